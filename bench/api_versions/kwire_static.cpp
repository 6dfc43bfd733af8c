#include "bench/api_versions/scenario.hpp"
#include "bench/harness/message.hpp"

namespace {

const bench::scenario rows(bench::add_kwire_static<api_versions>);

} // namespace
