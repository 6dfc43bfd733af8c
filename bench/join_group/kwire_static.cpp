#include "bench/harness/message.hpp"
#include "bench/join_group/scenario.hpp"

namespace {

const bench::scenario rows(bench::add_kwire_static<join_group>);

} // namespace
