/// Internal: XXH32 with seed 0, the checksum in lz4 frames, which liblz4 has but does not export.
#pragma once

#include <kwire/detail/config.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace kwire::inline KWIRE_ABI::detail {

/// XXH32 of `bytes`, with seed 0, as the xxHash specification defines it.
[[nodiscard]] constexpr std::uint32_t xxh32(std::span<const std::byte> bytes) noexcept {
    constexpr std::uint32_t p1 = 0x9e3779b1, p2 = 0x85ebca77, p3 = 0xc2b2ae3d, p4 = 0x27d4eb2f,
                            p5 = 0x165667b1;
    constexpr auto word = [](const std::byte* p) noexcept {
        return std::to_integer<std::uint32_t>(p[0]) | std::to_integer<std::uint32_t>(p[1]) << 8 |
               std::to_integer<std::uint32_t>(p[2]) << 16 | std::to_integer<std::uint32_t>(p[3]) << 24;
    };
    const std::byte* p = bytes.data();
    std::size_t left = bytes.size();
    std::uint32_t hash = p5;
    if (left >= 16) {
        std::array<std::uint32_t, 4> lanes{p1 + p2, p2, 0, 0u - p1};
        for (; left >= 16; left -= 16)
            for (auto& lane : lanes) {
                lane = std::rotl(lane + word(p) * p2, 13) * p1;
                p += 4;
            }
        hash = std::rotl(lanes[0], 1) + std::rotl(lanes[1], 7) + std::rotl(lanes[2], 12) +
               std::rotl(lanes[3], 18);
    }
    hash += static_cast<std::uint32_t>(bytes.size());
    for (; left >= 4; left -= 4, p += 4) hash = std::rotl(hash + word(p) * p3, 17) * p4;
    for (; left != 0; --left, ++p) hash = std::rotl(hash + std::to_integer<std::uint32_t>(*p) * p5, 11) * p1;
    hash = (hash ^ hash >> 15) * p2;
    hash = (hash ^ hash >> 13) * p3;
    return hash ^ hash >> 16;
}

} // namespace kwire::inline KWIRE_ABI::detail
