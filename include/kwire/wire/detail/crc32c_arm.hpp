/// Internal: CRC-32C with the instructions of ARMv8 for it, optional in ARMv8.0 and part of ARMv8.1.
///
/// Compiled even if the program may run on processors without them: crc32c.hpp tests for them before a call.
#pragma once

#include <kwire/detail/cxx23.hpp>
#include <kwire/wire/detail/crc32_tables.hpp>
#include <kwire/wire/endian.hpp>

#if defined(__aarch64__) && defined(__GNUC__) && (defined(__ARM_FEATURE_CRC32) || defined(__linux__))
#define KWIRE_CRC32C_ARM 1

#include <bit>
#include <cstddef>
#include <cstdint>

#include <arm_acle.h>
#if !defined(__ARM_FEATURE_CRC32)
#include <sys/auxv.h>
#endif

#if defined(__clang__)
#define KWIRE_TARGET_CRC [[gnu::target("crc")]]
#else
#define KWIRE_TARGET_CRC [[gnu::target("+crc")]]
#endif

namespace kwire::wire::detail::arm {

KWIRE_TARGET_CRC inline std::uint64_t load_le(const std::byte* p) noexcept {
    return kwire::detail::byteswap(load_be<std::uint64_t>(p));
}

/// Eight bytes a step, one step after the other.
KWIRE_TARGET_CRC inline std::uint32_t crc32c_chain(std::uint32_t state, const std::byte* p,
                                                   std::size_t size) noexcept {
    for (; size >= 8; p += 8, size -= 8) state = __crc32cd(state, load_le(p));
    for (; size != 0; ++p, --size) state = __crc32cb(state, std::to_integer<std::uint8_t>(*p));
    return state;
}

/// Three parallel chains hide the two or three cycles of latency of a step. They are long, because joining
/// them takes about the time of reading a kilobyte.
KWIRE_TARGET_CRC inline std::uint32_t crc32c(std::uint32_t state, const std::byte* p,
                                             std::size_t size) noexcept {
    constexpr std::size_t lane = 4096;
    constexpr std::uint32_t over_one = power_of_x<castagnoli>(8 * lane),
                            over_two = power_of_x<castagnoli>(16 * lane);
    for (; size >= 3 * lane; p += 3 * lane, size -= 3 * lane) {
        std::uint32_t a = state, b = 0, c = 0;
        for (std::size_t i = 0; i < lane; i += 8) {
            a = __crc32cd(a, load_le(p + i));
            b = __crc32cd(b, load_le(p + lane + i));
            c = __crc32cd(c, load_le(p + 2 * lane + i));
        }
        state = multiply_mod<castagnoli>(a, over_two) ^ multiply_mod<castagnoli>(b, over_one) ^ c;
    }
    return crc32c_chain(state, p, size);
}

[[nodiscard]] inline bool has_crc() noexcept {
#if defined(__ARM_FEATURE_CRC32)
    return true;
#else
    constexpr unsigned long crc32_bit = 1ul << 7; // HWCAP_CRC32
    return (::getauxval(AT_HWCAP) & crc32_bit) != 0;
#endif
}

} // namespace kwire::wire::detail::arm

#undef KWIRE_TARGET_CRC
#endif
