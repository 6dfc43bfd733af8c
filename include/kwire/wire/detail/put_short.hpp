/// Internal: writes of varints, texts, keys and values, which are short more often than not.
#pragma once

#include <kwire/detail/config.hpp>
#include <kwire/wire/varint.hpp>

#include <concepts>
#include <cstddef>
#include <cstring>

namespace kwire::inline KWIRE_ABI::detail {

/// Writes an unsigned varint; one and two bytes inline, because lengths and deltas are seldom longer.
template <std::unsigned_integral T>
KWIRE_ALWAYS_INLINE std::byte* put_uvarint(std::byte* at, T value) noexcept {
    if (value < 0x80) [[likely]] {
        *at = static_cast<std::byte>(value);
        return at + 1;
    }
    if (value < 0x4000) [[likely]] {
        at[0] = static_cast<std::byte>(value | 0x80);
        at[1] = static_cast<std::byte>(value >> 7);
        return at + 2;
    }
    return wire::write_uvarint(at, value);
}

/// A call of its own, because GCC warns at -O3 about this branch where it knows a size of 256 bytes or less.
KWIRE_NOINLINE inline void put_long_bytes(std::byte* p, const std::byte* from, std::size_t size) noexcept {
    std::memcpy(p, from, size);
}

/// memcpy inline for keys and values of a few dozen bytes, for which a call costs more than the copy.
KWIRE_ALWAYS_INLINE std::byte* put_short_bytes(std::byte* p, const std::byte* from,
                                               std::size_t size) noexcept {
    // Pieces of a constant size become one load and one store; the last piece may overlap the one before.
    const auto move = [&]<std::size_t Piece>(std::size_t at)
                          KWIRE_INLINED { std::memcpy(p + at, from + at, Piece); };
    if (size >= 16) [[likely]] {
        if (size > 256) [[unlikely]] {
            put_long_bytes(p, from, size);
            return p + size;
        }
        for (std::size_t at = 0; at < size - 16; at += 16) move.template operator()<16>(at);
        move.template operator()<16>(size - 16);
    } else if (size >= 8) {
        move.template operator()<8>(0);
        move.template operator()<8>(size - 8);
    } else if (size >= 4) {
        move.template operator()<4>(0);
        move.template operator()<4>(size - 4);
    } else if (size != 0) {
        p[0] = from[0];
        p[size / 2] = from[size / 2];
        p[size - 1] = from[size - 1];
    }
    return p + size;
}

} // namespace kwire::inline KWIRE_ABI::detail
