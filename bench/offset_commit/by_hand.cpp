#include "bench/harness/message.hpp"
#include "bench/offset_commit/scenario.hpp"

namespace {

const bench::scenario rows(bench::add_by_hand<offset_commit>);

} // namespace
