// Reads a Metadata response of 1000 topics with 10 partitions each.
#include "bench/metadata_response.hpp"

namespace {

using kwire::metadata_response;

constexpr auto hand_written = [](std::span<const std::byte> body, auto& sink) noexcept {
    return bench::metadata_response_by_hand(body, sink);
};
constexpr auto run_time = [](std::span<const std::byte> body, auto& sink) noexcept -> bench::answer {
    const auto response = kwire::parse_view<metadata_response>(body, 12);
    if (!response) return bench::refused;
    return bench::visit_metadata_response(*response, sink);
};
constexpr auto compile_time = [](std::span<const std::byte> body, auto& sink) noexcept -> bench::answer {
    const auto response = kwire::parse_view<metadata_response, 12>(body);
    if (!response) return bench::refused;
    return bench::visit_metadata_response(*response, sink);
};
constexpr auto visit_version = [](std::span<const std::byte> body, auto& sink) noexcept -> bench::answer {
    const auto response = kwire::parse_view<metadata_response>(body, 12);
    if (!response) return bench::refused;
    return kwire::visit_version<12>(
        *response, [&](const auto& view) noexcept { return bench::visit_metadata_response(view, sink); });
};

template <class Contender>
void whole_cluster(benchmark::State& state, Contender contender) {
    static const bench::input subject = bench::make_metadata_response(12, 1000, 10);
    static const bench::input small = bench::make_metadata_response(4, 2, 2);
    bench::contest(state, subject, small, contender, hand_written);
    state.SetItemsProcessed(state.iterations() * 1000 * 10);
}
BENCHMARK_CAPTURE(whole_cluster, hand_written, hand_written)->Name("metadata_response/1000x10/hand_written");
BENCHMARK_CAPTURE(whole_cluster, run_time, run_time)->Name("metadata_response/1000x10/run_time");
BENCHMARK_CAPTURE(whole_cluster, compile_time, compile_time)->Name("metadata_response/1000x10/compile_time");
BENCHMARK_CAPTURE(whole_cluster, visit_version, visit_version)
    ->Name("metadata_response/1000x10/visit_version");

} // namespace
