// Encodes Fetch responses that refer to their records: the time must not depend on the size of the records.
#include <kwire/messages/fetch.hpp>
#include <kwire/write/encode.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "bench/corpus/byte_writer.hpp"
#include "bench/harness/allocations.hpp"

namespace {

using kwire::fetch_response;

fetch_response::data make_response(const std::vector<std::byte>& payload) {
    return {.session_id = 7,
            .responses = {{.topic = "orders",
                           .partitions = {{.partition_index = 3,
                                           .high_watermark = 1234567890123,
                                           .last_stable_offset = 1234567890123,
                                           .log_start_offset = 17,
                                           .records = kwire::shared_buffer::copy_of(payload)}}}}};
}

std::vector<std::byte> write_by_hand(const std::vector<std::byte>& payload) {
    bench::byte_writer out;
    out.number(std::int32_t{0}); // throttle time
    out.number(std::int16_t{0}); // error code
    out.number(std::int32_t{7}); // session
    out.count(1);
    out.text("orders");
    out.count(1);
    out.number(std::int32_t{3});
    out.number(std::int16_t{0});
    out.number(std::int64_t{1234567890123});
    out.number(std::int64_t{1234567890123});
    out.number(std::int64_t{17});
    out.count(0); // aborted transactions
    out.number(std::int32_t{-1});
    out.count(payload.size());
    out.append(payload);
    for (int i = 0; i < 3; ++i) out.empty_tag_section();
    return std::move(out).finish().bytes;
}

void encode(benchmark::State& state) {
    std::vector<std::byte> payload(static_cast<std::size_t>(state.range(0)));
    for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<std::byte>(i * 31 & 0xff);
    const fetch_response::data response = make_response(payload);
    const auto once = kwire::encode<fetch_response>(response, 12);
    if (!once) return state.SkipWithError("refuses to write");
    const kwire::shared_buffer written = once->to_bytes();
    if (!std::ranges::equal(written.span(), write_by_hand(payload)))
        return state.SkipWithError("writes other bytes than are expected");

    const std::uint64_t allocations_before = bench::allocations;
    for ([[maybe_unused]] auto _ : state) {
        auto chain = kwire::encode<fetch_response>(response, 12);
        benchmark::DoNotOptimize(chain);
    }
    const std::uint64_t allocated = bench::allocations - allocations_before;
    state.SetItemsProcessed(state.iterations());
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(once->size()));
    state.counters["allocations"] = static_cast<double>(allocated) / static_cast<double>(state.iterations());
}
BENCHMARK(encode)->Name("fetch_response_encode/payload")->Arg(1)->Arg(1 << 20);

} // namespace
