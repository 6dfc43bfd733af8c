#include "bench/fetch_response/scenario.hpp"
#include "bench/harness/message.hpp"

namespace {

const bench::scenario rows(bench::add_kwire_static<fetch_response>);

} // namespace
