#include "bench/harness/message.hpp"
#include "bench/offset_commit/scenario.hpp"

namespace {

const bench::scenario rows(bench::add_kwire_static<offset_commit>);

} // namespace
