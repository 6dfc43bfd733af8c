// Reads, skims, stamps and builds record batches against readers and writers that are written by hand with
// the same checks.
#include <kwire/records/batch_patch.hpp>
#include <kwire/records/builder.hpp>
#include <kwire/records/record.hpp>
#include <kwire/records/skim.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "bench/allocations.hpp"
#include "bench/by_hand.hpp"

namespace {

using bench::by_hand::left;
using bench::by_hand::load;

/// What every field of every record adds up to; `ordered` mixes so that nothing goes unnoticed, for the
/// proof.
struct plain {
    std::uint64_t sum = 0;
    BENCH_INLINE void number(std::uint64_t n) noexcept { sum += n; }
    BENCH_INLINE void bytes(const std::byte* p, std::int64_t size) noexcept {
        sum += static_cast<std::uint64_t>(size);
        if (size > 0) sum += std::to_integer<std::uint64_t>(*p);
    }
};
struct ordered {
    std::uint64_t sum = 1;
    void number(std::uint64_t n) noexcept { sum = std::rotl(sum ^ n, 23) * 0x9fb21c651e98df25 + 1; }
    void bytes(const std::byte* p, std::int64_t size) noexcept {
        number(static_cast<std::uint64_t>(size));
        for (std::int64_t i = 0; i < size; ++i) number(std::to_integer<std::uint64_t>(p[i]));
    }
};

/// A batch of 1000 records whose values are such that each record has 100 bytes, with so many headers.
std::vector<std::byte> make_batch(std::size_t headers) {
    kwire::batch_builder builder({.producer_id = 7, .producer_epoch = 1, .base_sequence = 3});
    std::array<std::byte, 128> content;
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<std::byte>(i * 7 + 1);
    const std::span<const std::byte> all(content);
    const std::array<kwire::header_view, 2> two{kwire::header_view{"trace-id", all.first(16)},
                                                kwire::header_view{"source", all.first(8)}};
    for (std::int64_t i = 0; i < 1000; ++i) {
        content[0] = static_cast<std::byte>(i & 0xff);
        if (!builder.append({.timestamp = 1700000000000 + i,
                             .key = all.first(10),
                             .value = all.first(headers != 0 ? 40 : 80),
                             .headers = std::span(two).first(headers)}))
            std::abort();
    }
    const auto built = std::move(builder).finish().to_bytes();
    return {built.begin(), built.end()};
}

// ---- by hand -------------------------------------------------------------------------------------------

[[gnu::noinline]] const std::byte* long_varint(const std::byte* p, const std::byte* end, std::uint64_t& value,
                                               unsigned bits) noexcept {
    std::uint64_t raw = 0;
    for (unsigned shift = 0; shift < bits; shift += 7) {
        if (p == end) return nullptr;
        const auto byte = std::to_integer<std::uint64_t>(*p++);
        if (shift + 7 > bits && byte >> (bits - shift) != 0) return nullptr;
        raw |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            value = raw;
            return p;
        }
    }
    return nullptr;
}
/// Zig-zag; nullptr if there is none of so many bits.
BENCH_INLINE const std::byte* signed_varint(const std::byte* p, const std::byte* end, std::int64_t& value,
                                            unsigned bits = 32) noexcept {
    std::uint64_t raw = 0;
    if (left(p, end) >= 1 && p[0] < std::byte{0x80}) {
        raw = std::to_integer<std::uint64_t>(*p++);
    } else if (left(p, end) >= 2 && p[1] < std::byte{0x80}) {
        raw = (std::to_integer<std::uint64_t>(p[0]) & 0x7f) | std::to_integer<std::uint64_t>(p[1]) << 7;
        p += 2;
    } else if (p = long_varint(p, end, raw, bits); p == nullptr) {
        return nullptr;
    }
    value = static_cast<std::int64_t>(raw >> 1 ^ (0 - (raw & 1)));
    return p;
}
BENCH_INLINE const std::byte* sized(const std::byte* p, const std::byte* end, const std::byte*& begin,
                                    std::int64_t& size) noexcept {
    p = signed_varint(p, end, size);
    if (p == nullptr) return nullptr;
    begin = p;
    if (size < 0) return size == -1 ? p : nullptr;
    if (static_cast<std::uint64_t>(size) > left(p, end)) return nullptr;
    return p + size;
}

template <class Sink>
bool read_by_hand(std::span<const std::byte> batch, Sink& sink) noexcept {
    if (batch.size() < 61) return false;
    const std::byte* const start = batch.data();
    const auto length = load<std::int32_t>(start + 8);
    if (length < 49 || static_cast<std::uint64_t>(length) + 12 > batch.size() || start[16] != std::byte{2})
        return false;
    const std::byte* const end = start + 12 + length;
    if (kwire::crc32c({start + 21, end}) != load<std::uint32_t>(start + 17)) return false;
    const auto attributes = load<std::int16_t>(start + 21);
    if ((attributes & 7) != 0) return false;
    const auto base_offset = load<std::int64_t>(start);
    const auto base_time = load<std::int64_t>(start + 27);
    const auto max_time = load<std::int64_t>(start + 35);
    const auto sequence = load<std::int32_t>(start + 53);
    const auto count = load<std::int32_t>(start + 57);
    if (count < 0 || static_cast<std::uint64_t>(count) * 7 > left(start + 61, end)) return false;
    const std::byte* p = start + 61;
    for (std::int32_t i = 0; i < count; ++i) {
        std::int64_t size, time, delta, headers;
        const std::byte* bytes = nullptr;
        if (p = signed_varint(p, end, size); p == nullptr) return false;
        if (size < 1 || static_cast<std::uint64_t>(size) > left(p, end)) return false;
        const std::byte* const stop = p + size;
        ++p;
        if (p = signed_varint(p, stop, time, 64); p == nullptr) return false;
        if (p = signed_varint(p, stop, delta); p == nullptr) return false;
        sink.number(static_cast<std::uint64_t>(base_offset) + static_cast<std::uint64_t>(delta));
        sink.number((attributes & 8) != 0
                        ? static_cast<std::uint64_t>(max_time)
                        : static_cast<std::uint64_t>(base_time) + static_cast<std::uint64_t>(time));
        sink.number(sequence < 0
                        ? ~std::uint64_t{0}
                        : (static_cast<std::uint64_t>(sequence) + static_cast<std::uint64_t>(delta)) &
                              0x7fffffff);
        if (p = sized(p, stop, bytes, size); p == nullptr) return false;
        sink.bytes(bytes, size);
        if (p = sized(p, stop, bytes, size); p == nullptr) return false;
        sink.bytes(bytes, size);
        if (p = signed_varint(p, stop, headers); p == nullptr) return false;
        if (headers < 0 || static_cast<std::uint64_t>(headers) * 2 > left(p, stop)) return false;
        for (; headers != 0; --headers) {
            if (p = sized(p, stop, bytes, size); p == nullptr || size < 0) return false;
            sink.bytes(bytes, size);
            if (p = sized(p, stop, bytes, size); p == nullptr) return false;
            sink.bytes(bytes, size);
        }
        if (p != stop) return false;
    }
    return p == end;
}

// ---- with kwire ----------------------------------------------------------------------------------------

template <class Sink>
BENCH_INLINE void take(Sink& sink, const std::optional<std::span<const std::byte>>& bytes) noexcept {
    if (bytes)
        sink.bytes(bytes->data(), static_cast<std::int64_t>(bytes->size()));
    else
        sink.bytes(nullptr, -1);
}

template <class Sink>
bool read_with_kwire(std::span<const std::byte> bytes, Sink& sink) noexcept {
    const auto batch = kwire::batch_at(bytes);
    if (!batch || batch->is_legacy() || !crc_matches(*batch)) return false;
    const auto records = kwire::records(*batch);
    auto i = records.begin();
    for (; i != records.end(); ++i) {
        const auto record = *i;
        sink.number(static_cast<std::uint64_t>(record.offset()));
        sink.number(static_cast<std::uint64_t>(record.timestamp()));
        sink.number(static_cast<std::uint64_t>(std::int64_t{record.sequence()}));
        take(sink, record.key());
        take(sink, record.value());
        for (auto header : record.headers()) {
            sink.bytes(reinterpret_cast<const std::byte*>(header.name.data()),
                       static_cast<std::int64_t>(header.name.size()));
            take(sink, header.value);
        }
    }
    return !records.defect(i);
}

using contender = bool (*)(std::span<const std::byte>, plain&) noexcept;
using prover = bool (*)(std::span<const std::byte>, ordered&) noexcept;

/// Both accept the same bytes and read the same from them, also where one byte is wrong (with a fitting
/// checksum).
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

void read(benchmark::State& state, contender reader) {
    const std::vector<std::byte> bytes = make_batch(static_cast<std::size_t>(state.range(0)));
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
BENCHMARK_CAPTURE(read, kwire, &read_with_kwire<plain>)->Name("records/read/kwire")->Arg(0)->Arg(2);
BENCHMARK_CAPTURE(read, by_hand, &read_by_hand<plain>)->Name("records/read/by_hand")->Arg(0)->Arg(2);

// ---- skimming ------------------------------------------------------------------------------------------

void skim_count(benchmark::State& state) {
    const std::vector<std::byte> bytes = make_batch(0);
    const auto batch = kwire::batch_at(bytes);
    if (!batch || kwire::count_records(*batch) != 1000U) return state.SkipWithError("another count");
    for ([[maybe_unused]] auto _ : state) {
        auto view = *batch;
        benchmark::DoNotOptimize(view);
        benchmark::DoNotOptimize(kwire::count_records(view));
    }
}
BENCHMARK(skim_count)->Name("records/count");

void skim_find(benchmark::State& state) {
    const std::vector<std::byte> bytes = make_batch(0);
    const auto batch = kwire::batch_at(bytes);
    if (!batch) return state.SkipWithError("no batch");
    const auto found = kwire::find_offset(*batch, 999);
    if (!found || !*found || (*found)->offset() != 999) return state.SkipWithError("another record");
    for ([[maybe_unused]] auto _ : state) {
        auto view = *batch;
        benchmark::DoNotOptimize(view);
        benchmark::DoNotOptimize(kwire::find_offset(view, 999));
    }
}
BENCHMARK(skim_find)->Name("records/find_offset");

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

/// Into memory that is large enough; checked for each record, as a builder must.
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

/// Out of memory, so that no writer can do once what is to be done for each record.
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
    if (!std::ranges::equal(built, expected)) return state.SkipWithError("other bytes than by hand");
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
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(
            kwire::stamp(batch.span(), {.offset = time, .partition_leader_epoch = 3, .append_time = ++time}));
        benchmark::ClobberMemory();
    }
    const auto stamped = kwire::batch_at(batch.span());
    if (!stamped || !crc_matches(*stamped) || stamped->max_timestamp() != time)
        state.SkipWithError("the checksum does not fit");
}
BENCHMARK(stamp)->Name("records/stamp")->Arg(200)->Arg(64 << 10)->Arg(1 << 20);

} // namespace
