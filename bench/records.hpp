/// Record batches for the benchmarks: builds them, and reads them by hand with the same checks as kwire.
#pragma once

#include <kwire/records/builder.hpp>
#include <kwire/records/crc.hpp>
#include <kwire/records/record_range.hpp>
#include <kwire/wire/crc32c.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <vector>

#include "bench/hand/read.hpp"

namespace bench::records {

using bench::by_hand::left;
using bench::by_hand::load;

/// The sum of every field of every record; `ordered` mixes in their order too, so that the proof misses no
/// difference.
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

/// A batch of records of 100 bytes each, with the given number of headers.
inline std::vector<std::byte> make_batch(std::size_t headers, std::int64_t records = 1000) {
    kwire::batch_builder builder({.producer_id = 7, .producer_epoch = 1, .base_sequence = 3});
    std::array<std::byte, 128> content;
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<std::byte>(i * 7 + 1);
    const std::span<const std::byte> all(content);
    const std::array<kwire::header_view, 2> two{kwire::header_view{"trace-id", all.first(16)},
                                                kwire::header_view{"source", all.first(8)}};
    for (std::int64_t i = 0; i < records; ++i) {
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

[[gnu::noinline]] inline const std::byte* long_varint(const std::byte* p, const std::byte* end,
                                                      std::uint64_t& value, unsigned bits) noexcept {
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
/// Reads a zig-zag varint; nullptr if it is truncated or has too many bits. `Near`: enough bytes follow to
/// read its longest form, wherever `end` is.
template <bool Near = false>
BENCH_INLINE const std::byte* signed_varint(const std::byte* p, const std::byte* end, std::int64_t& value,
                                            unsigned bits = 32) noexcept {
    std::uint64_t raw = 0;
    if ((Near || left(p, end) >= 1) && p[0] < std::byte{0x80}) [[likely]] {
        raw = std::to_integer<std::uint64_t>(*p++);
    } else if ((Near || left(p, end) >= 2) && p[1] < std::byte{0x80}) [[likely]] {
        raw = (std::to_integer<std::uint64_t>(p[0]) & 0x7f) | std::to_integer<std::uint64_t>(p[1]) << 7;
        p += 2;
    } else if (p = long_varint(p, Near ? p + 10 : end, raw, bits); p == nullptr) {
        return nullptr;
    }
    value = static_cast<std::int64_t>(raw >> 1 ^ (0 - (raw & 1)));
    return p;
}
/// Reads a length, -1 for null, and skips its bytes, which must end by `end`; `p` may be after that if
/// `Near`.
template <bool Near>
BENCH_INLINE const std::byte* sized(const std::byte* p, const std::byte* end, const std::byte*& begin,
                                    std::int64_t& size) noexcept {
    p = signed_varint<Near>(p, end, size);
    if (p == nullptr) return nullptr;
    begin = p;
    if (size < 0) return size == -1 ? p : nullptr;
    if (size > end - p) return nullptr;
    return p + size;
}

/// The checked header of a batch.
struct header {
    const std::byte *begin, *end; ///< of the bytes after the header
    std::int64_t base_offset, base_time, max_time;
    std::int32_t sequence, count;
    std::int16_t attributes;
};

BENCH_INLINE bool read_header(std::span<const std::byte> batch, header& out) noexcept {
    if (batch.size() < 61) return false;
    const std::byte* const start = batch.data();
    const auto length = load<std::int32_t>(start + 8);
    if (length < 49 || static_cast<std::uint64_t>(length) + 12 > batch.size() || start[16] != std::byte{2})
        return false;
    out.begin = start + 61;
    out.end = start + 12 + length;
    if (kwire::crc32c({start + 21, out.end}) != load<std::uint32_t>(start + 17)) return false;
    out.attributes = load<std::int16_t>(start + 21);
    out.base_offset = load<std::int64_t>(start);
    out.base_time = load<std::int64_t>(start + 27);
    out.max_time = load<std::int64_t>(start + 35);
    out.sequence = load<std::int32_t>(start + 53);
    out.count = load<std::int32_t>(start + 57);
    return out.count >= 0;
}

/// Reads the record whose body is [p, stop). `Near`: the deltas, two lengths and the count of headers, or two
/// lengths of a header, fit in readable bytes after `stop`; that they have passed it is noticed at the next
/// size or at the end.
template <bool Near, class Sink>
BENCH_INLINE bool record_by_hand(const header& batch, const std::byte* p, const std::byte* stop,
                                 Sink& sink) noexcept {
    std::int64_t size, time, delta, headers;
    const std::byte* bytes = nullptr;
    ++p;
    if (p = signed_varint<Near>(p, stop, time, 64); p == nullptr) return false;
    if (p = signed_varint<Near>(p, stop, delta); p == nullptr) return false;
    sink.number(static_cast<std::uint64_t>(batch.base_offset) + static_cast<std::uint64_t>(delta));
    sink.number((batch.attributes & 8) != 0
                    ? static_cast<std::uint64_t>(batch.max_time)
                    : static_cast<std::uint64_t>(batch.base_time) + static_cast<std::uint64_t>(time));
    sink.number(batch.sequence < 0
                    ? ~std::uint64_t{0}
                    : (static_cast<std::uint64_t>(batch.sequence) + static_cast<std::uint64_t>(delta)) &
                          0x7fffffff);
    if (p = sized<Near>(p, stop, bytes, size); p == nullptr) return false;
    sink.bytes(bytes, size);
    if (p = sized<Near>(p, stop, bytes, size); p == nullptr) return false;
    sink.bytes(bytes, size);
    if (p = signed_varint<Near>(p, stop, headers); p == nullptr) return false;
    if (headers < 0 || headers * 2 > stop - p) return false;
    for (; headers != 0; --headers) {
        if (p = sized<Near>(p, stop, bytes, size); p == nullptr || size < 0) return false;
        sink.bytes(bytes, size);
        if (p = sized<Near>(p, stop, bytes, size); p == nullptr) return false;
        sink.bytes(bytes, size);
    }
    return p == stop;
}

/// Reads all records in [p, end). Their number must be that of the header, with no bytes left. Records with
/// enough bytes after them are read without looking for the end at each varint.
template <class Sink>
BENCH_INLINE bool walk_by_hand(const header& batch, const std::byte* p, const std::byte* end,
                               Sink& sink) noexcept {
    if (static_cast<std::uint64_t>(batch.count) * 7 > left(p, end)) return false;
    std::int32_t i = 0;
    std::int64_t size;
    for (; i < batch.count && end - p >= 64; ++i) {
        if (p = signed_varint<true>(p, end, size); p == nullptr) return false;
        if (size < 1 || size > end - p) return false;
        const std::byte* const stop = p + size;
        if (!(end - stop >= 64 ? record_by_hand<true>(batch, p, stop, sink)
                               : record_by_hand<false>(batch, p, stop, sink)))
            return false;
        p = stop;
    }
    for (; i < batch.count; ++i) {
        if (p = signed_varint(p, end, size); p == nullptr) return false;
        if (size < 1 || size > end - p) return false;
        if (!record_by_hand<false>(batch, p, p + size, sink)) return false;
        p += size;
    }
    return p == end;
}

template <class Sink>
bool read_by_hand(std::span<const std::byte> bytes, Sink& sink) noexcept {
    header batch;
    if (!read_header(bytes, batch) || (batch.attributes & 7) != 0) return false;
    return walk_by_hand(batch, batch.begin, batch.end, sink);
}

/// Reads every field of the headers of a sequence of batches, all of magic 2, without their records.
template <class Sink>
BENCH_INLINE bool read_headers_by_hand(std::span<const std::byte> bytes, Sink& sink) noexcept {
    const std::byte* p = bytes.data();
    const std::byte* const end = p + bytes.size();
    while (p != end) {
        if (left(p, end) < 61 || p[16] != std::byte{2}) return false;
        const auto length = load<std::int32_t>(p + 8);
        if (length < 49 || static_cast<std::uint64_t>(length) + 12 > left(p, end)) return false;
        const auto base = load<std::int64_t>(p);
        const auto attributes = load<std::int16_t>(p + 21);
        sink.number(static_cast<std::uint64_t>(base));
        sink.number(static_cast<std::uint64_t>(base) +
                    static_cast<std::uint64_t>(std::int64_t{load<std::int32_t>(p + 23)}));
        sink.number(static_cast<std::uint64_t>(std::int64_t{length}));
        sink.number(static_cast<std::uint64_t>(std::int64_t{load<std::int32_t>(p + 12)}));
        sink.number(load<std::uint32_t>(p + 17));
        sink.number(static_cast<std::uint64_t>(attributes & 7));
        sink.number(static_cast<std::uint64_t>(attributes >> 3 & 1));
        sink.number(static_cast<std::uint64_t>(attributes >> 4 & 1));
        sink.number(static_cast<std::uint64_t>(attributes >> 5 & 1));
        sink.number(static_cast<std::uint64_t>(load<std::int64_t>(p + 35)));
        sink.number(static_cast<std::uint64_t>(load<std::int64_t>(p + 43)));
        sink.number(static_cast<std::uint64_t>(std::int64_t{load<std::int16_t>(p + 51)}));
        sink.number(static_cast<std::uint64_t>(std::int64_t{load<std::int32_t>(p + 53)}));
        sink.number(static_cast<std::uint64_t>(std::int64_t{load<std::int32_t>(p + 57)}));
        p += 12 + length;
    }
    return true;
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
BENCH_INLINE void take_record(Sink& sink, const kwire::record_view& record) noexcept {
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

template <class Sink>
bool read_with_kwire(std::span<const std::byte> bytes, Sink& sink) noexcept {
    const auto batch = kwire::batch_at(bytes);
    if (!batch || batch->is_legacy() || !crc_matches(*batch)) return false;
    for (const auto record : kwire::record_range(*batch)) {
        if (!record) return false;
        take_record(sink, *record);
    }
    return true;
}

template <class Sink>
BENCH_INLINE bool read_headers_with_kwire(std::span<const std::byte> bytes, Sink& sink) noexcept {
    for (const auto found : kwire::record_batches(bytes)) {
        if (!found) return false;
        const kwire::batch_view batch = *found;
        if (batch.is_legacy()) return false;
        sink.number(static_cast<std::uint64_t>(batch.base_offset()));
        sink.number(static_cast<std::uint64_t>(batch.last_offset()));
        sink.number(static_cast<std::uint64_t>(std::int64_t{batch.batch_length()}));
        sink.number(static_cast<std::uint64_t>(std::int64_t{batch.partition_leader_epoch()}));
        sink.number(batch.crc());
        sink.number(static_cast<std::uint64_t>(batch.compression()));
        sink.number(batch.timestamp_type() == kwire::timestamp_type::log_append_time ? 1 : 0);
        sink.number(batch.is_transactional() ? 1 : 0);
        sink.number(batch.is_control() ? 1 : 0);
        sink.number(static_cast<std::uint64_t>(batch.max_timestamp()));
        sink.number(static_cast<std::uint64_t>(batch.producer_id()));
        sink.number(static_cast<std::uint64_t>(std::int64_t{batch.producer_epoch()}));
        sink.number(static_cast<std::uint64_t>(std::int64_t{batch.base_sequence()}));
        sink.number(static_cast<std::uint64_t>(std::int64_t{batch.record_count().value_or(-1)}));
    }
    return true;
}

} // namespace bench::records
