/// Internal: copies of texts, keys and values, which are short more often than not.
#pragma once

#include <kwire/detail/config.hpp>

#include <cstddef>
#include <cstring>

namespace kwire::detail {

/// A call of its own, because GCC warns at -O3 about this branch where it knows a size of 256 bytes or less.
KWIRE_NOINLINE inline void put_long_bytes(std::byte* p, const std::byte* from, std::size_t size) noexcept {
    std::memcpy(p, from, size);
}

/// memcpy inline for keys and values of a few dozen bytes, for which a call costs more than the copy.
KWIRE_ALWAYS_INLINE std::byte* put_short_bytes(std::byte* p, const std::byte* from,
                                               std::size_t size) noexcept {
    // Pieces of a constant size become one load and one store; the last piece may overlap the one before.
    const auto move = [&]<std::size_t Piece>(std::size_t at) { std::memcpy(p + at, from + at, Piece); };
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

} // namespace kwire::detail
