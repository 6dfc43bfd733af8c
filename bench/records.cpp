// Reads, skims, stamps and builds record batches, compared with hand-written readers and writers that make
// the same checks.
#include "bench/records.hpp"

#include <kwire/records/builder.hpp>
#include <kwire/records/crc.hpp>
#include <kwire/records/record_range.hpp>
#include <kwire/records/skim.hpp>
#include <kwire/records/stamp.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "bench/harness/allocations.hpp"

namespace {

using namespace bench::records;

using contender = bool (*)(std::span<const std::byte>, plain&) noexcept;
using prover = bool (*)(std::span<const std::byte>, ordered&) noexcept;

/// Both accept the same bytes and read the same values, even if one byte is wrong (with a matching checksum).
bool agree(std::vector<std::byte> bytes) {
    ordered a, b;
    if (!read_by_hand(bytes, a) || !read_with_kwire(bytes, b) || a.sum != b.sum) return false;
    const auto mend = [&] {
        kwire::wire::store_be(bytes.data() + 17, kwire::crc32c(std::span(bytes).subspan(21)));
    };
    for (std::size_t at = 57; at < 400; ++at)
        for (const unsigned value : {0U, 1U, 3U, 0x7fU, 0x80U, 0xffU}) {
            const std::byte before = bytes[at];
            bytes[at] = static_cast<std::byte>(value);
            mend();
            ordered c, d;
            const bool first = read_by_hand(bytes, c);
            if (first != read_with_kwire(bytes, d) || (first && c.sum != d.sum)) return false;
            bytes[at] = before;
        }
    return true;
}

void read(benchmark::State& state, contender reader, std::size_t headers) {
    const std::vector<std::byte> bytes = make_batch(headers);
    if (!agree(bytes)) return state.SkipWithError("the readers do not read the same");
    std::span<const std::byte> body(bytes);
    const std::uint64_t before = bench::allocations;
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(body);
        plain sink;
        benchmark::DoNotOptimize(reader(body, sink));
        benchmark::DoNotOptimize(sink.sum);
    }
    state.counters["allocations"] =
        static_cast<double>(bench::allocations - before) / static_cast<double>(state.iterations());
}
BENCHMARK_CAPTURE(read, kwire, &read_with_kwire<plain>, 0)->Name("records/read/kwire");
BENCHMARK_CAPTURE(read, by_hand, &read_by_hand<plain>, 0)->Name("records/read/by_hand");
BENCHMARK_CAPTURE(read, kwire_headers, &read_with_kwire<plain>, 2)->Name("records/read_2_headers/kwire");
BENCHMARK_CAPTURE(read, by_hand_headers, &read_by_hand<plain>, 2)->Name("records/read_2_headers/by_hand");

// ---- skimming ------------------------------------------------------------------------------------------

/// Moves from length to length; returns the count if it matches the batch, else -1.
[[gnu::noinline]] std::int64_t count_by_hand(std::span<const std::byte> batch) noexcept {
    const std::byte* p = batch.data() + 61;
    const std::byte* const end = batch.data() + batch.size();
    const auto count = load<std::int32_t>(batch.data() + 57);
    for (std::int32_t i = 0; i < count; ++i) {
        std::int64_t size;
        if (p = signed_varint(p, end, size); p == nullptr) return -1;
        if (size < 0 || static_cast<std::uint64_t>(size) > left(p, end)) return -1;
        p += size;
    }
    return p == end ? count : -1;
}
/// The position of the record with that offset; nullptr if there is none, or a record before it is invalid.
[[gnu::noinline]] const std::byte* find_by_hand(std::span<const std::byte> batch,
                                                std::int64_t offset) noexcept {
    const std::byte* p = batch.data() + 61;
    const std::byte* const end = batch.data() + batch.size();
    const auto base = load<std::int64_t>(batch.data());
    const auto count = load<std::int32_t>(batch.data() + 57);
    for (std::int32_t i = 0; i < count; ++i) {
        const std::byte* const record = p;
        std::int64_t size, time, delta;
        if (p = signed_varint(p, end, size); p == nullptr) return nullptr;
        if (size < 1 || static_cast<std::uint64_t>(size) > left(p, end)) return nullptr;
        const std::byte* const stop = p + size;
        if (p = signed_varint(p + 1, stop, time, 64); p == nullptr) return nullptr;
        if (p = signed_varint(p, stop, delta); p == nullptr) return nullptr;
        if (base + delta >= offset) return record;
        p = stop;
    }
    return nullptr;
}

void count(benchmark::State& state, bool with_kwire) {
    const std::vector<std::byte> bytes = make_batch(0);
    const auto batch = kwire::batch_at(bytes);
    if (!batch || kwire::count_records(*batch) != 1000U || count_by_hand(bytes) != 1000)
        return state.SkipWithError("another count");
    auto view = *batch;
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(view);
        if (with_kwire)
            benchmark::DoNotOptimize(kwire::count_records(view));
        else
            benchmark::DoNotOptimize(count_by_hand(bytes_of(view)));
    }
    state.counters["allocations"] = 0;
}
BENCHMARK_CAPTURE(count, kwire, true)->Name("records/count/kwire");
BENCHMARK_CAPTURE(count, by_hand, false)->Name("records/count/by_hand");

void find(benchmark::State& state, bool with_kwire) {
    const std::vector<std::byte> bytes = make_batch(0);
    const auto batch = kwire::batch_at(bytes);
    if (!batch) return state.SkipWithError("no batch");
    const auto found = kwire::find_offset(*batch, 999);
    const std::byte* const record = find_by_hand(bytes, 999);
    // All records have the same size; the last key ends at the same distance from its record as the first
    // one.
    if (!found || !*found || (*found)->offset() != 999 || record == nullptr ||
        (*found)->value()->data() + 81 != bytes.data() + bytes.size() ||
        record + 100 > bytes.data() + bytes.size())
        return state.SkipWithError("another record");
    auto view = *batch;
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(view);
        if (with_kwire)
            benchmark::DoNotOptimize(kwire::find_offset(view, 999));
        else
            benchmark::DoNotOptimize(find_by_hand(bytes_of(view), 999));
    }
    state.counters["allocations"] = 0;
}
BENCHMARK_CAPTURE(find, kwire, true)->Name("records/find_offset/kwire");
BENCHMARK_CAPTURE(find, by_hand, false)->Name("records/find_offset/by_hand");

// ---- building ------------------------------------------------------------------------------------------

std::byte* put_varint(std::byte* p, std::int64_t value) noexcept {
    auto raw = static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
    for (; raw >= 0x80; raw >>= 7) *p++ = static_cast<std::byte>(raw | 0x80);
    *p++ = static_cast<std::byte>(raw);
    return p;
}
std::size_t varint_length(std::int64_t value) noexcept {
    auto raw = static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
    std::size_t n = 1;
    for (; raw >= 0x80; raw >>= 7) ++n;
    return n;
}
template <class T>
void store(std::byte* p, T value) noexcept {
    for (std::size_t i = 0; i < sizeof(T); ++i)
        p[i] = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * (sizeof(T) - 1 - i)) & 0xff);
}

constexpr std::size_t bound = 120000;

struct pair {
    std::span<const std::byte> key, value;
};

/// Builds into memory that is large enough; this is checked for each record, as a builder must.
std::size_t write_by_hand(std::byte* out, std::span<const pair> pairs) {
    std::byte* p = out + 61;
    std::int64_t i = 0;
    for (const auto& [key, value] : pairs) {
        const std::size_t body = 2 + varint_length(i) * 2 +
                                 varint_length(static_cast<std::int64_t>(key.size())) + key.size() +
                                 varint_length(static_cast<std::int64_t>(value.size())) + value.size();
        if (body + 5 > bound - static_cast<std::size_t>(p - out)) return 0;
        p = put_varint(p, static_cast<std::int64_t>(body));
        *p++ = std::byte{0};
        p = put_varint(p, i);
        p = put_varint(p, i);
        p = put_varint(p, static_cast<std::int64_t>(key.size()));
        std::memcpy(p, key.data(), key.size());
        p += key.size();
        p = put_varint(p, static_cast<std::int64_t>(value.size()));
        std::memcpy(p, value.data(), value.size());
        p += value.size();
        *p++ = std::byte{0};
        ++i;
    }
    const auto size = static_cast<std::size_t>(p - out);
    store<std::int64_t>(out, 0);
    store<std::int32_t>(out + 8, static_cast<std::int32_t>(size - 12));
    store<std::int32_t>(out + 12, -1);
    out[16] = std::byte{2};
    store<std::int16_t>(out + 21, 0);
    store<std::int32_t>(out + 23, 999);
    store<std::int64_t>(out + 27, 1700000000000);
    store<std::int64_t>(out + 35, 1700000000999);
    store<std::int64_t>(out + 43, -1);
    store<std::int16_t>(out + 51, -1);
    store<std::int32_t>(out + 53, -1);
    store<std::int32_t>(out + 57, 1000);
    store<std::uint32_t>(out + 17, kwire::crc32c({out + 21, size - 21}));
    return size;
}

constexpr auto content = [] {
    std::array<std::byte, 100> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i + 1);
    return bytes;
}();

/// Reads its inputs from memory, so that no writer can hoist work out of the loop over the records.
std::vector<pair> make_pairs() {
    const std::span<const std::byte> all(content);
    return std::vector<pair>(1000, pair{all.first(10), all.first(80)});
}

void build_by_hand(benchmark::State& state) {
    const std::vector<pair> pairs = make_pairs();
    const std::uint64_t before = bench::allocations;
    for ([[maybe_unused]] auto _ : state) {
        auto out = std::make_unique_for_overwrite<std::byte[]>(bound);
        benchmark::DoNotOptimize(write_by_hand(out.get(), pairs));
        benchmark::ClobberMemory();
    }
    state.counters["allocations"] =
        static_cast<double>(bench::allocations - before) / static_cast<double>(state.iterations());
}

kwire::buffer_chain write_with_kwire(std::span<const pair> pairs) {
    kwire::batch_builder builder({.expected_bytes = bound});
    std::int64_t time = 1700000000000;
    for (const auto& [key, value] : pairs)
        if (!builder.append({.timestamp = time++, .key = key, .value = value})) break;
    return std::move(builder).finish();
}

void build_with_kwire(benchmark::State& state) {
    const std::vector<pair> pairs = make_pairs();
    std::vector<std::byte> expected(bound);
    expected.resize(write_by_hand(expected.data(), pairs));
    const auto built = write_with_kwire(pairs).to_bytes();
    if (!std::ranges::equal(built, expected))
        return state.SkipWithError("the bytes differ from those written by hand");
    const std::uint64_t before = bench::allocations;
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(write_with_kwire(pairs));
        benchmark::ClobberMemory();
    }
    state.counters["allocations"] =
        static_cast<double>(bench::allocations - before) / static_cast<double>(state.iterations());
}
BENCHMARK(build_with_kwire)->Name("records/build/kwire");
BENCHMARK(build_by_hand)->Name("records/build/by_hand");

// ---- stamping ------------------------------------------------------------------------------------------

void stamp(benchmark::State& state) {
    const auto size = static_cast<std::size_t>(state.range(0));
    kwire::batch_builder builder({.max_bytes = 2 * size});
    const std::vector<std::byte> value(size - 80);
    if (!builder.append({.timestamp = 1, .value = value})) return state.SkipWithError("too large");
    auto batch = std::move(builder).finish_writable();
    std::int64_t time = 1700000000000;
    const std::uint64_t before = bench::allocations;
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(kwire::stamp(
            batch.span(), {.base_offset = time, .partition_leader_epoch = 3, .append_time = ++time}));
        benchmark::ClobberMemory();
    }
    state.counters["allocations"] =
        static_cast<double>(bench::allocations - before) / static_cast<double>(state.iterations());
    const auto stamped = kwire::batch_at(batch.span());
    if (!stamped || !crc_matches(*stamped) || stamped->max_timestamp() != time)
        state.SkipWithError("the checksum does not fit");
}
BENCHMARK(stamp)->Name("records/stamp")->Arg(200)->Arg(64 << 10)->Arg(1 << 20);

} // namespace
