/// Internal: checks and parses one record of any format.
///
/// Rules of magic 2: KIP-98 for the layout, KIP-82 for headers; of magic 0 and 1 the guide to Kafka's
/// protocol.
#pragma once

#include <kwire/detail/config.hpp>
#include <kwire/error.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/wire/endian.hpp>
#include <kwire/wire/varint.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace kwire::inline KWIRE_ABI::detail {

/// The parts of a record; a size of -1 is null.
struct parsed_record {
    std::int64_t timestamp_delta = 0;
    const std::byte* key = nullptr;
    const std::byte* value = nullptr;
    const std::byte* headers = nullptr;
    std::int32_t offset_delta = 0;
    std::int32_t key_size = -1;
    std::int32_t value_size = -1;
    std::int32_t header_count = 0;
    std::int8_t attributes = 0;
};

/// Reads a varint; one and two bytes inline, because lengths and deltas are seldom longer.
template <class U>
KWIRE_ALWAYS_INLINE const std::byte* read_short_uvarint(const std::byte* p, const std::byte* end,
                                                        U& value) noexcept {
    if (p != end) [[likely]] {
        const U first = std::to_integer<U>(p[0]);
        if (first < 0x80) [[likely]] {
            value = first;
            return p + 1;
        }
        if (end - p >= 2) [[likely]] {
            const U second = std::to_integer<U>(p[1]);
            if (second < 0x80) [[likely]] {
                value = (first & 0x7f) | second << 7;
                return p + 2;
            }
        }
    }
    const auto [next, number] = wire::detail::read_long_uvarint<U>(p, static_cast<std::size_t>(end - p));
    value = number;
    return next;
}
KWIRE_ALWAYS_INLINE const std::byte* read_short_varint(const std::byte* p, const std::byte* end,
                                                       std::int32_t& value) noexcept {
    std::uint32_t raw = 0;
    p = read_short_uvarint(p, end, raw);
    value = wire::zigzag_decode(raw);
    return p;
}
KWIRE_ALWAYS_INLINE const std::byte* read_short_varint(const std::byte* p, const std::byte* end,
                                                       std::int64_t& value) noexcept {
    std::uint64_t raw = 0;
    p = read_short_uvarint(p, end, raw);
    value = wire::zigzag_decode(raw);
    return p;
}

/// What the parser of a record accepts beyond the format: see record_options.
struct record_leniency {
    bool negative_as_null = false;
    bool trailing_bytes = false;
};

/// How the parser of a record reports a defect: not at all, for loops that only stop.
struct silent_refusal {
    static constexpr record_leniency accepts{};

    KWIRE_ALWAYS_INLINE void in_header(std::int32_t) noexcept {}
    template <class U>
    KWIRE_ALWAYS_INLINE const std::byte* varint(std::string_view, const std::byte*,
                                                const std::byte*) noexcept {
        return nullptr;
    }
    KWIRE_ALWAYS_INLINE const std::byte* operator()(errc, std::string_view, const std::byte*,
                                                    std::uint64_t = 0, std::uint64_t = 0) noexcept {
        return nullptr;
    }
};

/// The same with leniencies, which are looked at where something is refused.
struct lenient_refusal : silent_refusal {
    const record_leniency& accepts;

    KWIRE_ALWAYS_INLINE explicit lenient_refusal(const record_leniency& some) noexcept : accepts(some) {}
};

/// How the parser of a record reports a defect: as an error with its code, place and path in the record.
struct described_refusal {
    const std::byte* origin; ///< what offsets count from
    record_leniency accepts{};
    error e{};
    std::int32_t header = -1;

    void in_header(std::int32_t index) noexcept { header = index; }
    template <class U>
    const std::byte* varint(std::string_view field, const std::byte* p, const std::byte* end) noexcept {
        const errc code = wire::varint_defect<U>(p, end);
        const auto left = static_cast<std::uint64_t>(end - p);
        return (*this)(code, field, p, code == errc::truncated ? left + 1 : 0, left);
    }
    const std::byte* operator()(errc code, std::string_view field, const std::byte* at,
                                std::uint64_t needed = 0, std::uint64_t left = 0) noexcept {
        e = {.code = code,
             .offset = static_cast<std::uint64_t>(at - origin),
             .needed = needed,
             .left = needed != 0 ? left : 0};
        if (!field.empty()) e.enter({field});
        if (header >= 0) e.enter({"headers", header});
        return nullptr;
    }
};

/// Reads the length of `field` and returns the position after its bytes, which begin at `begin`; -1 is null
/// if `Nullable`.
template <bool Nullable, class Refuse>
KWIRE_ALWAYS_INLINE const std::byte* read_sized(std::string_view field, const std::byte* p,
                                                const std::byte* end, const std::byte*& begin,
                                                std::int32_t& size, Refuse& refuse) noexcept {
    const std::byte* const next = read_short_varint(p, end, size);
    if (next == nullptr) [[unlikely]]
        return refuse.template varint<std::uint32_t>(field, p, end);
    begin = next;
    if (size < 0) [[unlikely]] {
        if (Nullable && (size == -1 || refuse.accepts.negative_as_null)) return next;
        return refuse(size == -1 ? errc::null_not_allowed : errc::bad_length, field, p);
    }
    const auto left = static_cast<std::uint64_t>(end - next);
    if (static_cast<std::uint64_t>(size) > left) [[unlikely]]
        return refuse(errc::truncated, field, next, static_cast<std::uint64_t>(size), left);
    return next + size;
}

template <class Refuse>
KWIRE_ALWAYS_INLINE const std::byte* read_headers(const std::byte* p, const std::byte* end,
                                                  std::int32_t count, Refuse& refuse) noexcept {
    const std::byte* ignored = nullptr;
    std::int32_t size = 0;
    for (std::int32_t i = 0; i != count; ++i) {
        refuse.in_header(i);
        if (p = read_sized<false>("name", p, end, ignored, size, refuse); p == nullptr) return nullptr;
        if (p = read_sized<true>("value", p, end, ignored, size, refuse); p == nullptr) return nullptr;
    }
    refuse.in_header(-1);
    return p;
}

/// Reads the length of a record and returns where its body begins; the body fits in [p, end).
template <class Refuse>
KWIRE_ALWAYS_INLINE const std::byte* read_record_length(const std::byte* p, const std::byte* end,
                                                        std::int32_t& length, Refuse& refuse) noexcept {
    const std::byte* const body = read_short_varint(p, end, length);
    if (body == nullptr) [[unlikely]]
        return refuse.template varint<std::uint32_t>("length", p, end);
    if (length < 0) [[unlikely]]
        return refuse(errc::bad_length, "length", p);
    const auto left = static_cast<std::uint64_t>(end - body);
    if (static_cast<std::uint64_t>(length) > left) [[unlikely]]
        return refuse(errc::truncated, "", body, static_cast<std::uint64_t>(length), left);
    return body;
}

/// Reads and checks the record of magic 2 at `p` and returns the position after it; nullptr if it is
/// defective. Looks for the end before each byte, so that it can tell where and why.
template <class Refuse>
const std::byte* read_record_carefully(const std::byte* p, const std::byte* end, parsed_record& out,
                                       Refuse& refuse) noexcept {
    std::int32_t length = 0;
    p = read_record_length(p, end, length, refuse);
    if (p == nullptr) [[unlikely]]
        return nullptr;
    const std::byte* const body_end = p + length;

    if (length == 0) [[unlikely]]
        return refuse(errc::truncated, "attributes", p, 1, 0);
    out.attributes = std::to_integer<std::int8_t>(*p++);
    const std::byte* next = read_short_varint(p, body_end, out.timestamp_delta);
    if (next == nullptr) [[unlikely]]
        return refuse.template varint<std::uint64_t>("timestamp_delta", p, body_end);
    p = next;
    next = read_short_varint(p, body_end, out.offset_delta);
    if (next == nullptr) [[unlikely]]
        return refuse.template varint<std::uint32_t>("offset_delta", p, body_end);
    p = read_sized<true>("key", next, body_end, out.key, out.key_size, refuse);
    if (p == nullptr) [[unlikely]]
        return nullptr;
    p = read_sized<true>("value", p, body_end, out.value, out.value_size, refuse);
    if (p == nullptr) [[unlikely]]
        return nullptr;

    next = read_short_varint(p, body_end, out.header_count);
    if (next == nullptr) [[unlikely]]
        return refuse.template varint<std::uint32_t>("headers", p, body_end);
    out.headers = next;
    if (out.header_count != 0) {
        if (out.header_count < 0) [[unlikely]]
            return refuse(errc::bad_length, "headers", p);
        const auto left = static_cast<std::uint64_t>(body_end - next);
        const std::uint64_t needed = static_cast<std::uint64_t>(out.header_count) * 2; // two lengths each
        if (needed > left) [[unlikely]]
            return refuse(errc::count_exceeds_input, "headers", p, needed, left);
        next = read_headers(next, body_end, out.header_count, refuse);
        if (next == nullptr) [[unlikely]]
            return nullptr;
    }
    if (next != body_end) [[unlikely]]
        return refuse(errc::bad_record, "", next);
    return next;
}

/// How many bytes must be left where a record begins for its first fields to be read without a look for the
/// end before each byte: the length, the attributes, both deltas and the size of the key, none of them in the
/// longest form: 3 + 1 + 9 + 4 + 2.
///
/// They may pass the end of the record, which is noticed after the size of the key. Each size says then how
/// many bytes are left for the fields after it.
inline constexpr std::int64_t near_front_size = 19;

/// Reads a varint that is shorter than the longest form of its type, which may have too many bits; nullptr if
/// it is not.
template <class U>
KWIRE_ALWAYS_INLINE const std::byte* read_near_uvarint(const std::byte* p, U& value) noexcept {
    const U first = std::to_integer<U>(p[0]);
    if (first < 0x80) [[likely]] {
        value = first;
        return p + 1;
    }
    const U second = std::to_integer<U>(p[1]);
    if (second < 0x80) [[likely]] {
        value = (first & 0x7f) | second << 7;
        return p + 2;
    }
    value = (first & 0x7f) | (second & 0x7f) << 7;
    KWIRE_SHORT_LOOP
    for (std::size_t i = 2; i != wire::detail::max_varint_size<U> - 1; ++i) {
        const U byte = std::to_integer<U>(p[i]);
        value |= (byte & 0x7f) << (7 * i);
        if (byte < 0x80) return p + i + 1;
    }
    return nullptr;
}
KWIRE_ALWAYS_INLINE const std::byte* read_near_varint(const std::byte* p, std::int32_t& value) noexcept {
    std::uint32_t raw = 0;
    p = read_near_uvarint(p, raw);
    value = wire::zigzag_decode(raw);
    return p;
}
KWIRE_ALWAYS_INLINE const std::byte* read_near_varint(const std::byte* p, std::int64_t& value) noexcept {
    std::uint64_t raw = 0;
    p = read_near_uvarint(p, raw);
    value = wire::zigzag_decode(raw);
    return p;
}

/// Reads a size of up to three bytes, less than 1 MiB; nullptr if it is longer or negative. Two bytes must be
/// readable, the third one is looked at if it lies before `end`.
KWIRE_ALWAYS_INLINE const std::byte* read_near_size(const std::byte* p, const std::byte* end,
                                                    std::int32_t& size) noexcept {
    const auto first = std::to_integer<std::int32_t>(p[0]);
    if ((first & 0x81) == 0) [[likely]] { // zig-zag: numbers that are not negative are even
        size = first >> 1;
        return p + 1;
    }
    if ((first & 1) != 0) [[unlikely]]
        return nullptr;
    const auto second = std::to_integer<std::int32_t>(p[1]);
    if (second < 0x80) [[likely]] {
        size = (first & 0x7f) >> 1 | second << 6;
        return p + 2;
    }
    if (end - p < 3) [[unlikely]]
        return nullptr;
    const auto third = std::to_integer<std::int32_t>(p[2]);
    size = (first & 0x7f) >> 1 | (second & 0x7f) << 6 | third << 13;
    return third < 0x80 ? p + 3 : nullptr;
}

/// Reads a nullable size as read_near_size, and returns the position after its bytes; nullptr if less than
/// `then` bytes would be left after them. `p` may have passed `body_end`.
KWIRE_ALWAYS_INLINE const std::byte* read_near_sized(const std::byte* p, const std::byte* body_end,
                                                     std::int64_t then, const std::byte*& begin,
                                                     std::int32_t& size) noexcept {
    const std::byte* const next = read_near_size(p, body_end, size);
    if (next == nullptr) [[unlikely]] {
        size = -1;
        begin = p + 1;
        return p[0] == std::byte{1} && body_end - p > then ? begin : nullptr;
    }
    begin = next;
    if (size > body_end - next - then) [[unlikely]]
        return nullptr;
    return next + size;
}

/// Whether `count` headers are valid and take `spare` bytes more than two sizes of one byte each; false if
/// one has to be read carefully, too. Nothing after those bytes is read: while `spare` is not negative,
/// the sizes that are left lie in them.
KWIRE_ALWAYS_INLINE bool near_headers_fit(const std::byte* p, std::int64_t spare,
                                          std::int32_t count) noexcept {
    KWIRE_SHORT_LOOP
    for (; count != 0; --count) {
        const auto name = std::to_integer<std::int64_t>(p[0]); // zig-zag: twice the size
        if ((name & 0x81) != 0) [[unlikely]]
            return false;
        spare -= name >> 1;
        if (spare < 0) [[unlikely]]
            return false;
        p += (name >> 1) + 1;
        auto value = std::to_integer<std::int64_t>(p[0]);
        if ((value & 0x81) != 0) [[unlikely]] {
            if (value != 1) { // null, of which half is 0 too
                if ((value & 1) != 0 || --spare < 0) return false;
                const auto second = std::to_integer<std::int64_t>(*++p);
                if (second >= 0x80) return false;
                value = (value & 0x7f) | second << 7;
            }
        }
        spare -= value >> 1;
        if (spare < 0) [[unlikely]]
            return false;
        p += (value >> 1) + 1;
    }
    return spare == 0;
}

/// Reads the size of a part of a header that was checked; nearly all are less than 64.
KWIRE_ALWAYS_INLINE const std::byte* read_size_trusted(const std::byte* p, std::int32_t& size) noexcept {
    const auto first = std::to_integer<std::int32_t>(p[0]);
    if ((first & 0x81) == 0) [[likely]] {
        size = first >> 1;
        return p + 1;
    }
    return wire::read_varint_trusted(p, size);
}

/// A record, and the position after it; nullptr if it is defective.
struct record_read {
    const std::byte* next;
    parsed_record record;
};

template <class Refuse>
KWIRE_NOINLINE record_read read_record_apart(const std::byte* p, const std::byte* end,
                                             Refuse refuse) noexcept {
    record_read read;
    read.next = read_record_carefully(p, end, read.record, refuse);
    return read;
}

/// Reads and checks a record, and sets `next` to the position after it; false if it is defective, or so near
/// to the end or so unusual that it has to be read carefully.
KWIRE_ALWAYS_INLINE bool read_near_record(const std::byte* p, const std::byte* end, parsed_record& out,
                                          const std::byte*& next) noexcept {
    if (end - p < near_front_size) [[unlikely]]
        return false;
    std::int32_t length = 0;
    p = read_near_size(p, end, length);
    if (p == nullptr || length == 0 || length > end - p) [[unlikely]]
        return false;
    const std::byte* const body_end = p + length;
    // cost: opaque, because GCC would go on at the position that it has read up to, which is the same but
    // depends on every size of this record: 15 % more time with two headers a record, 9 % with none.
    next = body_end;
    KWIRE_OPAQUE(next);
    out.attributes = std::to_integer<std::int8_t>(*p++);
    if (p = read_near_varint(p, out.timestamp_delta); p == nullptr) [[unlikely]]
        return false;
    if (p = read_near_varint(p, out.offset_delta); p == nullptr) [[unlikely]]
        return false;
    // At least the size of the value and the count of headers follow the key, and the count the value.
    if (p = read_near_sized(p, body_end, 2, out.key, out.key_size); p == nullptr) [[unlikely]]
        return false;
    if (p = read_near_sized(p, body_end, 1, out.value, out.value_size); p == nullptr) [[unlikely]]
        return false;
    out.header_count = 0;
    const int count = std::to_integer<int>(*p++); // zig-zag: twice the count, which is their least size
    out.headers = p;
    if (count == 0) [[likely]]
        return p == body_end;
    const std::int64_t spare = body_end - p - count;
    if ((count & 0x81) != 0 || spare < 0) [[unlikely]]
        return false;
    out.header_count = count / 2;
    return near_headers_fit(p, spare, count / 2);
}

/// Reads and checks the record of magic 2 at `p` and returns the position after it; nullptr if it is
/// defective.
template <class Refuse>
KWIRE_ALWAYS_INLINE const std::byte* read_record(const std::byte* p, const std::byte* end, parsed_record& out,
                                                 Refuse& refuse) noexcept {
    const std::byte* next = nullptr;
    if (read_near_record(p, end, out, next)) [[likely]]
        return next;
    const record_read read = read_record_apart(p, end, refuse);
    out = read.record;
    return read.next;
}

/// Reads and checks the message of magic 0 or 1 in `bytes`; nullptr if it is defective.
template <class Refuse>
const std::byte* read_message(std::span<const std::byte> bytes, std::int8_t magic, parsed_record& out,
                              Refuse& refuse) noexcept {
    const std::byte* p = bytes.data() + message_key_offset(magic);
    const std::byte* const end = bytes.data() + bytes.size();
    const auto sized = [&](std::string_view field, const std::byte*& begin, std::int32_t& size) noexcept {
        const auto left = static_cast<std::uint64_t>(end - p);
        if (left < 4) return refuse(errc::truncated, field, p, 4, left);
        size = wire::load_be<std::int32_t>(p);
        if (size < -1 && !refuse.accepts.negative_as_null) return refuse(errc::bad_length, field, p);
        begin = p += 4;
        if (size < 0) return p;
        if (static_cast<std::uint64_t>(size) > left - 4)
            return refuse(errc::truncated, field, p, static_cast<std::uint64_t>(size), left - 4);
        return p += size;
    };
    if (sized("key", out.key, out.key_size) == nullptr) return nullptr;
    if (sized("value", out.value, out.value_size) == nullptr) return nullptr;
    if (p != end && !refuse.accepts.trailing_bytes) return refuse(errc::bad_record, "", p);
    out.headers = end;
    return end;
}

[[nodiscard]] KWIRE_ALWAYS_INLINE std::optional<std::span<const std::byte>>
nullable_bytes(const std::byte* begin, std::int32_t size) noexcept {
    if (size < 0) return std::nullopt;
    return std::span<const std::byte>(begin, static_cast<std::size_t>(size));
}

} // namespace kwire::inline KWIRE_ABI::detail
