/// Internal: how a length, a count or a null marker is written before the content of a field. This is the
/// only statement of that rule for reading; the check, the trusted walk and the correlator all call it.
#pragma once

#include <kwire/detail/config.hpp>
#include <kwire/wire/endian.hpp>
#include <kwire/wire/limits.hpp>
#include <kwire/wire/varint.hpp>

#include <cstddef>
#include <cstdint>

namespace kwire::inline KWIRE_ABI::detail {

/// The ways to write what precedes the content of a field.
enum class length_form : std::uint8_t {
    compact,       ///< varint: the length plus one; 0 is null (KIP-482)
    int16,         ///< classic strings: -1 is null
    int32,         ///< all other classic lengths and counts: -1 is null
    none,          ///< nothing: the content always follows
    marker,        ///< int8 before a nullable struct: any negative number is null
    tagged_marker, ///< varint before a nullable struct that is a tag's payload: 0 is null
};

/// The bytes that a length takes: of varints, the least.
KWIRE_ALWAYS_INLINE constexpr std::uint8_t prefix_size(length_form form) noexcept {
    switch (form) {
    case length_form::none: return 0;
    case length_form::int16: return 2;
    case length_form::int32: return 4;
    default: return 1;
    }
}

/// In place of a length: null. It is -1 where the wire has a signed number.
inline constexpr std::uint32_t null_length = 0xffffffff;

/// A length as the bytes say it, before anything is checked. Markers count the structs that follow: one, or
/// null.
struct decoded_length {
    const std::byte* content; ///< the first byte after the length; nullptr if a varint has no proper end
    std::uint32_t value;      ///< `null_length`, or negative if it is above `wire::max_length`
};

/// The most bytes of a compact length that is not read by a loop: lengths up to 2 MiB.
inline constexpr std::uint64_t medium_length_size = 3;

/// Decodes a compact length of two or three bytes at `p`, as those of record batches are. The first has its
/// high bit set, and `medium_length_size` bytes are there. `content` is nullptr if it is longer.
KWIRE_ALWAYS_INLINE constexpr decoded_length decode_medium_length(const std::byte* p) noexcept {
    const auto first = std::to_integer<std::uint32_t>(p[0]);
    const auto second = std::to_integer<std::uint32_t>(p[1]);
    // The high bit of the first byte, 1 << 7, is taken off together with the 1 that the length has more.
    const std::uint32_t low = first + (second << 7) - 0x81;
    if (second < 0x80) [[likely]]
        return {p + 2, low};
    const auto third = std::to_integer<std::uint32_t>(p[2]);
    if (third >= 0x80) [[unlikely]]
        return {nullptr, 0};
    return {p + 3, low + (third << 14) - (0x80U << 7)};
}

/// Decodes the length at `p`, of which `prefix_size(form)` bytes must be there. A varint may take up to
/// `varint_limit` bytes, at least 1.
KWIRE_ALWAYS_INLINE constexpr decoded_length decode_length(length_form form, const std::byte* p,
                                                           std::uint64_t varint_limit) noexcept {
    if (form == length_form::compact) {
        const std::uint32_t value = std::to_integer<std::uint32_t>(*p) - 1;
        if (value < 0x7f) [[likely]] // one byte, and not null
            return {p + 1, value};
        if (value == null_length) return {p + 1, null_length};
        if (varint_limit == 1) return {nullptr, null_length};
        if (varint_limit >= medium_length_size)
            if (const decoded_length medium = decode_medium_length(p); medium.content != nullptr) [[likely]]
                return medium;
    }
    switch (form) {
    case length_form::none: return {p, 1};
    case length_form::marker: return {p + 1, *p < std::byte{0x80} ? 1 : null_length};
    case length_form::int16:
        return {p + 2, static_cast<std::uint32_t>(std::int32_t{wire::load_be<std::int16_t>(p)})};
    case length_form::int32: return {p + 4, wire::load_be<std::uint32_t>(p)};
    default: break;
    }
    auto [content, raw] =
        wire::detail::read_long_uvarint<std::uint32_t>(p, static_cast<std::size_t>(varint_limit));
    if (form == length_form::tagged_marker && raw != 0)
        raw = raw <= wire::max_length ? 2 : wire::max_length + 2;
    return {content, raw - 1};
}

/// The same for the usual case, which is all that unrolled code has in line: a varint takes one byte, and the
/// length is not negative. Null is a length of 0 if `nullable`. In any other case `content` is nullptr.
KWIRE_ALWAYS_INLINE constexpr decoded_length decode_usual_length(length_form form, bool nullable,
                                                                 const std::byte* p) noexcept {
    const decoded_length read = decode_length(form, p, 1);
    if (read.value > wire::max_length && (read.value != null_length || !nullable)) [[unlikely]]
        return {nullptr, 0};
    return {read.content, read.value != null_length ? read.value : 0};
}

/// The same for what takes as many bytes as its length says: there a varint of two or three bytes is usual
/// too, if as many of the `left` bytes are there. (Of an array that long, its elements take the time.)
/// `is_string` refuses what no string may have.
KWIRE_ALWAYS_INLINE constexpr decoded_length decode_usual_size(length_form form, bool nullable,
                                                               const std::byte* p, std::uint64_t left,
                                                               bool is_string) noexcept {
    if (form == length_form::compact && *p >= std::byte{0x80}) {
        if (left < medium_length_size) [[unlikely]]
            return {nullptr, 0};
        const decoded_length read = decode_medium_length(p);
        const std::uint32_t most = is_string ? wire::max_string_length : wire::max_length;
        if (read.value <= most) [[likely]]
            return read;
        return {nullptr, 0};
    }
    return decode_usual_length(form, nullable, p);
}

} // namespace kwire::inline KWIRE_ABI::detail
