#include "bench/harness/message.hpp"
#include "bench/join_group/scenario.hpp"

namespace {

const bench::scenario rows(bench::add_by_hand<join_group>);

} // namespace
