// Reads Fetch requests: 100 topics with 50 partitions each, and one topic with one partition.
#include "bench/fetch_request.hpp"

namespace {

using kwire::fetch_request;

constexpr auto hand_written = [](std::span<const std::byte> body, auto& sink) noexcept {
    return bench::fetch_request_by_hand(body, sink);
};
constexpr auto run_time = [](std::span<const std::byte> body, auto& sink) noexcept -> bench::answer {
    const auto request = kwire::parse_view<fetch_request>(body, 12);
    if (!request) return bench::refused;
    return bench::visit_fetch_request(*request, sink);
};
constexpr auto compile_time = [](std::span<const std::byte> body, auto& sink) noexcept -> bench::answer {
    const auto request = kwire::parse_view<fetch_request, 12>(body);
    if (!request) return bench::refused;
    return bench::visit_fetch_request(*request, sink);
};
constexpr auto visit_version = [](std::span<const std::byte> body, auto& sink) noexcept -> bench::answer {
    const auto request = kwire::parse_view<fetch_request>(body, 12);
    if (!request) return bench::refused;
    return kwire::visit_version<12>(
        *request, [&](const auto& view) noexcept { return bench::visit_fetch_request(view, sink); });
};

template <class Contender>
void large(benchmark::State& state, Contender contender) {
    static const bench::input subject = bench::make_fetch_request(100, 50);
    static const bench::input small = bench::make_fetch_request(2, 2, true);
    bench::contest(state, subject, small, contender, hand_written);
    state.SetItemsProcessed(state.iterations() * 100 * 50);
}
BENCHMARK_CAPTURE(large, hand_written, hand_written)->Name("fetch_request/100x50/hand_written");
BENCHMARK_CAPTURE(large, run_time, run_time)->Name("fetch_request/100x50/run_time");
BENCHMARK_CAPTURE(large, compile_time, compile_time)->Name("fetch_request/100x50/compile_time");
BENCHMARK_CAPTURE(large, visit_version, visit_version)->Name("fetch_request/100x50/visit_version");

template <class Contender>
void one(benchmark::State& state, Contender contender) {
    static const bench::input subject = bench::make_fetch_request(1, 1);
    static const bench::input small = bench::make_fetch_request(1, 1, true);
    bench::contest(state, subject, small, contender, hand_written);
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(one, hand_written, hand_written)->Name("fetch_request/1x1/hand_written");
BENCHMARK_CAPTURE(one, run_time, run_time)->Name("fetch_request/1x1/run_time");
BENCHMARK_CAPTURE(one, compile_time, compile_time)->Name("fetch_request/1x1/compile_time");
BENCHMARK_CAPTURE(one, visit_version, visit_version)->Name("fetch_request/1x1/visit_version");

} // namespace
