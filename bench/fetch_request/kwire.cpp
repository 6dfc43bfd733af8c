#include "bench/fetch_request/scenario.hpp"
#include "bench/harness/message.hpp"

namespace {

const bench::scenario rows(bench::add_kwire<fetch_request>);

} // namespace
