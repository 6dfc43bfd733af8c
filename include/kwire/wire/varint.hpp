/// Variable-length integers: seven bits a byte, lowest first, bit 7 set in all bytes but the last.
///
/// Kafka has two kinds. The unsigned one (`uvarint`) is in the compact lengths, counts and tags of messages;
/// the signed one (`varint`) maps small negative numbers to small unsigned ones first (zig-zag) and is in
/// records.
///
/// Padded forms (`80 00` for 0) are read, as all Kafka implementations do, up to the longest size of the
/// type. Bits that the type has no room for are refused; some implementations drop them without a word.
#pragma once

#include <kwire/detail/config.hpp>
#include <kwire/error.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace kwire::inline KWIRE_ABI::wire {

/// The longest form of a varint of 32 bits, in bytes.
inline constexpr std::size_t max_varint32_size = 5;
/// The longest form of a varint of 64 bits, in bytes.
inline constexpr std::size_t max_varint64_size = 10;

namespace detail {

template <class U>
inline constexpr std::size_t max_varint_size = sizeof(U) == 4 ? max_varint32_size : max_varint64_size;

/// The bits of the type that are left for the last byte of the longest form: 0x0f and 0x01.
template <class U>
inline constexpr U last_byte_limit = ~U{0} >> (7 * (max_varint_size<U> - 1));

/// Returned by value, in registers: a reference would force the caller's number into memory in the short case
/// too.
template <class U>
struct varint_result {
    const std::byte* next;
    U value;
};

template <class U>
KWIRE_APART constexpr varint_result<U> read_long_uvarint(const std::byte* p, std::size_t left) noexcept {
    constexpr unsigned last = 7 * (max_varint_size<U> - 1);
    U value = 0;
    for (unsigned shift = 0; left != 0; --left, shift += 7) {
        const auto byte = std::to_integer<U>(*p++);
        if (shift == last && byte > last_byte_limit<U>) break;
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) return {p, value};
    }
    return {nullptr, 0};
}

template <class U>
KWIRE_NOINLINE constexpr varint_result<U> read_long_uvarint_trusted(const std::byte* p) noexcept {
    U value = 0;
    for (unsigned shift = 0;; shift += 7) {
        const auto byte = std::to_integer<U>(*p++);
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) return {p, value};
    }
}

template <class U>
KWIRE_ALWAYS_INLINE constexpr const std::byte* read_uvarint(const std::byte* p, const std::byte* end,
                                                            U& value) noexcept {
    if (p != end) [[likely]] {
        const auto first = std::to_integer<U>(*p);
        if (first < 0x80) [[likely]] {
            value = first;
            return p + 1;
        }
    }
    const auto [next, number] = read_long_uvarint<U>(p, static_cast<std::size_t>(end - p));
    if (next != nullptr) value = number;
    return next;
}

template <class U>
KWIRE_ALWAYS_INLINE constexpr const std::byte* read_uvarint_trusted(const std::byte* p, U& value) noexcept {
    const auto first = std::to_integer<U>(*p);
    if (first < 0x80) [[likely]] {
        value = first;
        return p + 1;
    }
    const auto [next, number] = read_long_uvarint_trusted<U>(p);
    value = number;
    return next;
}

/// ceil(bits / 7) without a division or a branch; right for 1 to 64 bits, and 0 counts as one bit.
template <class U>
constexpr std::size_t uvarint_size(U value) noexcept {
    return (static_cast<std::size_t>(std::bit_width(value | U{1})) * 9 + 64) / 64;
}

template <class U>
constexpr std::byte* write_uvarint(std::byte* out, U value) noexcept {
    while (value >= 0x80) {
        *out++ = static_cast<std::byte>(value | 0x80);
        value >>= 7;
    }
    *out++ = static_cast<std::byte>(value);
    return out;
}

} // namespace detail

/// Reads an unsigned varint from [p, end) and returns the position after it.
///
/// nullptr if the bytes end before it does or if it does not fit 32 bits (varint_defect tells which); `value`
/// is then unchanged. Accepts up to 5 bytes, padded or not. `p` may be equal to `end`.
[[nodiscard]] KWIRE_ALWAYS_INLINE constexpr const std::byte*
read_uvarint(const std::byte* p, const std::byte* end, std::uint32_t& value) noexcept {
    return detail::read_uvarint(p, end, value);
}
/// The same for 64 bits, up to 10 bytes.
[[nodiscard]] KWIRE_ALWAYS_INLINE constexpr const std::byte*
read_uvarint(const std::byte* p, const std::byte* end, std::uint64_t& value) noexcept {
    return detail::read_uvarint(p, end, value);
}

/// Reads an unsigned varint where read_uvarint has already succeeded, and looks for no end.
[[nodiscard]] KWIRE_ALWAYS_INLINE constexpr const std::byte*
read_uvarint_trusted(const std::byte* p, std::uint32_t& value) noexcept {
    return detail::read_uvarint_trusted(p, value);
}
/// The same for 64 bits.
[[nodiscard]] KWIRE_ALWAYS_INLINE constexpr const std::byte*
read_uvarint_trusted(const std::byte* p, std::uint64_t& value) noexcept {
    return detail::read_uvarint_trusted(p, value);
}

/// Why reading a varint from [p, end) has failed: `truncated` if more bytes could complete it, else
/// `bad_varint`.
///
/// `U` is the type that was read, std::uint32_t (also for signed ones) or std::uint64_t. Only for after a
/// failure.
template <class U = std::uint32_t>
    requires(std::is_same_v<U, std::uint32_t> || std::is_same_v<U, std::uint64_t>)
[[nodiscard]] constexpr errc varint_defect(const std::byte* p, const std::byte* end) noexcept {
    return static_cast<std::size_t>(end - p) < detail::max_varint_size<U> ? errc::truncated
                                                                          : errc::bad_varint;
}

/// How many bytes write_uvarint takes for `value`: 1 to 5.
[[nodiscard]] constexpr std::size_t uvarint_size(std::uint32_t value) noexcept {
    return detail::uvarint_size(value);
}
/// How many bytes write_uvarint takes for `value`: 1 to 10.
[[nodiscard]] constexpr std::size_t uvarint_size(std::uint64_t value) noexcept {
    return detail::uvarint_size(value);
}

/// Writes the shortest form of `value` and returns the position after it; there must be uvarint_size(value)
/// bytes.
constexpr std::byte* write_uvarint(std::byte* out, std::uint32_t value) noexcept {
    return detail::write_uvarint(out, value);
}
/// The same for 64 bits.
constexpr std::byte* write_uvarint(std::byte* out, std::uint64_t value) noexcept {
    return detail::write_uvarint(out, value);
}

/// 0, -1, 1, -2, ... as 0, 1, 2, 3, ...: numbers near zero become small unsigned ones.
[[nodiscard]] constexpr std::uint32_t zigzag_encode(std::int32_t value) noexcept {
    return static_cast<std::uint32_t>(value) << 1 ^ static_cast<std::uint32_t>(value >> 31);
}
/// The same for 64 bits.
[[nodiscard]] constexpr std::uint64_t zigzag_encode(std::int64_t value) noexcept {
    return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
}
/// The inverse of zigzag_encode.
[[nodiscard]] constexpr std::int32_t zigzag_decode(std::uint32_t value) noexcept {
    return static_cast<std::int32_t>(value >> 1 ^ (0 - (value & 1)));
}
/// The same for 64 bits.
[[nodiscard]] constexpr std::int64_t zigzag_decode(std::uint64_t value) noexcept {
    return static_cast<std::int64_t>(value >> 1 ^ (0 - (value & 1)));
}

/// Reads a signed (zig-zag) varint; as read_uvarint in everything else.
[[nodiscard]] KWIRE_ALWAYS_INLINE constexpr const std::byte*
read_varint(const std::byte* p, const std::byte* end, std::int32_t& value) noexcept {
    std::uint32_t raw = 0;
    p = detail::read_uvarint(p, end, raw);
    if (p != nullptr) value = zigzag_decode(raw);
    return p;
}
/// The same for 64 bits.
[[nodiscard]] KWIRE_ALWAYS_INLINE constexpr const std::byte*
read_varint(const std::byte* p, const std::byte* end, std::int64_t& value) noexcept {
    std::uint64_t raw = 0;
    p = detail::read_uvarint(p, end, raw);
    if (p != nullptr) value = zigzag_decode(raw);
    return p;
}

/// Reads a signed varint where read_varint has already succeeded.
[[nodiscard]] KWIRE_ALWAYS_INLINE constexpr const std::byte*
read_varint_trusted(const std::byte* p, std::int32_t& value) noexcept {
    std::uint32_t raw = 0;
    p = detail::read_uvarint_trusted(p, raw);
    value = zigzag_decode(raw);
    return p;
}
/// The same for 64 bits.
[[nodiscard]] KWIRE_ALWAYS_INLINE constexpr const std::byte*
read_varint_trusted(const std::byte* p, std::int64_t& value) noexcept {
    std::uint64_t raw = 0;
    p = detail::read_uvarint_trusted(p, raw);
    value = zigzag_decode(raw);
    return p;
}

/// How many bytes write_varint takes for `value`: 1 to 5.
[[nodiscard]] constexpr std::size_t varint_size(std::int32_t value) noexcept {
    return detail::uvarint_size(zigzag_encode(value));
}
/// How many bytes write_varint takes for `value`: 1 to 10.
[[nodiscard]] constexpr std::size_t varint_size(std::int64_t value) noexcept {
    return detail::uvarint_size(zigzag_encode(value));
}

/// Writes the shortest zig-zag form of `value` and returns the position after it; there must be
/// varint_size(value) bytes.
constexpr std::byte* write_varint(std::byte* out, std::int32_t value) noexcept {
    return detail::write_uvarint(out, zigzag_encode(value));
}
/// The same for 64 bits.
constexpr std::byte* write_varint(std::byte* out, std::int64_t value) noexcept {
    return detail::write_uvarint(out, zigzag_encode(value));
}

} // namespace kwire::inline KWIRE_ABI::wire
