#include "bench/harness/message.hpp"
#include "bench/produce_request/scenario.hpp"

namespace {

const bench::scenario rows(bench::add_kwire<produce_request>);

} // namespace
