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

namespace kwire::detail {

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
/// defective.
template <class Refuse>
KWIRE_ALWAYS_INLINE const std::byte* read_record(const std::byte* p, const std::byte* end, parsed_record& out,
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

} // namespace kwire::detail
