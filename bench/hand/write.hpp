/// The common part of the hand-written writers: puts one value at a position and returns the position after
/// it.
///
/// The caller has measured or has room to spare, so nothing is checked here: what is left is the least that
/// an encoder of this protocol can do. `size_of` functions are the sizes of the same values.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "bench/hand/read.hpp"

namespace bench::by_hand {

template <class T>
BENCH_INLINE std::byte* put(std::byte* at, T value) noexcept {
    if constexpr (std::is_enum_v<T>) {
        return put(at, static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::is_same_v<T, bool>) {
        *at = static_cast<std::byte>(value);
        return at + 1;
    } else {
        auto bits = static_cast<std::make_unsigned_t<T>>(value);
        if constexpr (std::endian::native == std::endian::little) bits = std::byteswap(bits);
        std::memcpy(at, &bits, sizeof bits);
        return at + sizeof bits;
    }
}

[[gnu::noinline]] inline std::byte* put_long_varint(std::byte* at, std::uint32_t value) noexcept {
    for (; value >= 0x80; value >>= 7) *at++ = static_cast<std::byte>(value | 0x80);
    *at = static_cast<std::byte>(value);
    return at + 1;
}
BENCH_INLINE std::byte* put_varint(std::byte* at, std::uint32_t value) noexcept {
    if (value < 0x80) [[likely]] {
        *at = static_cast<std::byte>(value);
        return at + 1;
    }
    if (value < 0x4000) {
        at[0] = static_cast<std::byte>(value | 0x80);
        at[1] = static_cast<std::byte>(value >> 7);
        return at + 2;
    }
    return put_long_varint(at, value);
}
BENCH_INLINE std::byte* put_count(std::byte* at, std::size_t elements) noexcept {
    return put_varint(at, static_cast<std::uint32_t>(elements) + 1);
}
/// Copies text in pieces of fixed sizes that overlap: a call of memcpy costs more than a short name.
BENCH_INLINE std::byte* put_short(std::byte* at, const char* from, std::size_t size) noexcept {
    if (size >= 16 && size <= 32) {
        std::memcpy(at, from, 16);
        std::memcpy(at + size - 16, from + size - 16, 16);
    } else if (size >= 8 && size < 16) {
        std::memcpy(at, from, 8);
        std::memcpy(at + size - 8, from + size - 8, 8);
    } else if (size >= 4 && size < 8) {
        std::memcpy(at, from, 4);
        std::memcpy(at + size - 4, from + size - 4, 4);
    } else if (size != 0) {
        std::memcpy(at, from, size);
    }
    return at + size;
}
BENCH_INLINE std::byte* put_text(std::byte* at, std::string_view text) noexcept {
    return put_short(put_count(at, text.size()), text.data(), text.size());
}
template <class Optional>
BENCH_INLINE std::byte* put_nullable_text(std::byte* at, const Optional& text) noexcept {
    if (!text) {
        *at = std::byte{0};
        return at + 1;
    }
    return put_text(at, *text);
}
BENCH_INLINE std::byte* put_bytes(std::byte* at, std::span<const std::byte> bytes) noexcept {
    at = put_count(at, bytes.size());
    if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
    return at + bytes.size();
}
/// The records of a field, one piece or several.
template <class Payload>
BENCH_INLINE std::byte* put_payload(std::byte* at, const Payload& payload) noexcept {
    if (payload.is_null()) {
        *at = std::byte{0};
        return at + 1;
    }
    at = put_count(at, static_cast<std::size_t>(payload.size()));
    payload.each_span([&](std::span<const std::byte> piece) {
        std::memcpy(at, piece.data(), piece.size());
        at += piece.size();
    });
    return at;
}
template <class Numbers>
BENCH_INLINE std::byte* put_numbers(std::byte* at, const Numbers& numbers) noexcept {
    at = put_count(at, numbers.size());
    for (const auto number : numbers) at = put(at, number);
    return at;
}
BENCH_INLINE std::byte* put_no_tags(std::byte* at) noexcept {
    *at = std::byte{0};
    return at + 1;
}

BENCH_INLINE std::size_t varint_size(std::size_t value) noexcept {
    return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7;
}
BENCH_INLINE std::size_t count_size(std::size_t elements) noexcept { return varint_size(elements + 1); }
BENCH_INLINE std::size_t text_size(std::string_view text) noexcept {
    return count_size(text.size()) + text.size();
}
template <class Optional>
BENCH_INLINE std::size_t nullable_text_size(const Optional& text) noexcept {
    return text ? text_size(*text) : 1;
}
template <class Numbers>
BENCH_INLINE std::size_t numbers_size(const Numbers& numbers, std::size_t width) noexcept {
    return count_size(numbers.size()) + numbers.size() * width;
}
template <class Payload>
BENCH_INLINE std::size_t payload_size(const Payload& payload) noexcept {
    if (payload.is_null()) return 1;
    const auto size = static_cast<std::size_t>(payload.size());
    return count_size(size) + size;
}

} // namespace bench::by_hand
