#include "bench/harness/message.hpp"
#include "bench/metadata/scenario.hpp"

namespace {

const bench::scenario rows(bench::add_kwire_static<metadata>);

} // namespace
