// Stamps the base offset into record batches in place: the time must not depend on the size of the batch.
#include <kwire/records/batch.hpp>
#include <kwire/records/crc.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bench/harness/allocations.hpp"

namespace {

constexpr std::int64_t first_offset = 0x0102030405060708;

/// A batch of magic 2 of the given size in bytes, with a correct checksum.
std::vector<std::byte> make_batch(std::size_t size) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 61; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 37 & 0xff);
    const auto put = [&](std::size_t at, std::uint64_t value, std::size_t width) {
        for (std::size_t i = 0; i < width; ++i)
            bytes[at + i] = static_cast<std::byte>(value >> (8 * (width - 1 - i)) & 0xff);
    };
    put(8, size - 12, 4);
    put(16, 2, 1);
    put(57, 1, 4);
    put(17, kwire::crc32c(std::span<const std::byte>(bytes).subspan(21)), 4);
    return bytes;
}

/// From the bytes of a records field to the stamped batch: finds the batch, then sets its offset.
bool stamp(std::span<std::byte> bytes, std::int64_t offset) {
    const auto batch = kwire::mutable_batch_at(bytes);
    if (!batch) return false;
    batch->set_base_offset(offset);
    return true;
}

void patch_base_offset(benchmark::State& state) {
    const std::vector<std::byte> original = make_batch(static_cast<std::size_t>(state.range(0)));
    std::vector<std::byte> bytes = original;
    std::vector<std::byte> expected = original;
    for (std::size_t i = 0; i < 8; ++i) expected[i] = static_cast<std::byte>(i + 1);
    if (!stamp(bytes, first_offset) || bytes != expected)
        return state.SkipWithError("does not change these eight bytes and no others");
    if (const auto batch = kwire::batch_at(bytes); !batch || !kwire::crc_matches(*batch))
        return state.SkipWithError("the checksum does not fit any more");

    std::int64_t offset = first_offset;
    const std::uint64_t allocations_before = bench::allocations;
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(stamp(bytes, ++offset));
        benchmark::ClobberMemory();
    }
    const std::uint64_t allocated = bench::allocations - allocations_before;
    state.SetItemsProcessed(state.iterations());
    state.counters["allocations"] = static_cast<double>(allocated) / static_cast<double>(state.iterations());
}
BENCHMARK(patch_base_offset)->Name("batch_patch/base_offset")->Arg(200)->Arg(1 << 20);

} // namespace
