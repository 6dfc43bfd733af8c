/// CRC-32C with the instructions of x86-64: crc32 for short inputs, carry-less multiplication for long ones.
///
/// Written with the compilers' vector extensions and builtins, for <immintrin.h> takes half a second to
/// compile. The functions are compiled for processors that this program may not run on; crc32c.hpp asks
/// before it calls.
#pragma once

#include <kwire/wire/crc32_tables.hpp>

#if defined(__x86_64__) && defined(__GNUC__)
#define KWIRE_CRC32C_X86 1

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#define KWIRE_TARGET_CRC [[gnu::target("sse4.2,pclmul")]]
#define KWIRE_TARGET_CRC512 [[gnu::target("sse4.2,pclmul,avx512f,vpclmulqdq")]]

namespace kwire::wire::detail::x86 {

using vector128 [[gnu::vector_size(16)]] = long long;
using vector512 [[gnu::vector_size(64)]] = long long;

/// x^n in the upper half of a lane. A carry-less product of two reflected lanes comes out multiplied by x, so
/// n is one less than the shift that is wanted.
consteval long long lane_power(std::uint64_t n) {
    return static_cast<long long>(static_cast<std::uint64_t>(power_of_x<castagnoli>(n)) << 32);
}
/// The two factors that move 16 bytes over `bits` following ones: the low lane holds the higher powers of x.
consteval vector128 fold_factors(std::uint64_t bits) {
    return vector128{lane_power(bits + 63), lane_power(bits - 1)};
}

/// The crc32 instruction, eight bytes a step: 3 cycles each, as a chain.
KWIRE_TARGET_CRC inline std::uint32_t crc32c_chain(std::uint32_t state, const std::byte* p,
                                                   std::size_t size) noexcept {
    std::uint64_t wide = state;
    for (; size >= 8; p += 8, size -= 8) {
        std::uint64_t word;
        std::memcpy(&word, p, sizeof word);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    state = static_cast<std::uint32_t>(wide);
    if ((size & 4) != 0) {
        std::uint32_t word;
        std::memcpy(&word, p, sizeof word);
        state = __builtin_ia32_crc32si(state, word);
        p += 4;
    }
    if ((size & 2) != 0) {
        std::uint16_t word;
        std::memcpy(&word, p, sizeof word);
        state = __builtin_ia32_crc32hi(state, word);
        p += 2;
    }
    if ((size & 1) != 0) state = __builtin_ia32_crc32qi(state, std::to_integer<unsigned char>(*p));
    return state;
}

/// The remainder of 16 bytes that stand for everything read so far.
KWIRE_TARGET_CRC inline std::uint32_t reduce(vector128 folded) noexcept {
    const std::uint64_t first = __builtin_ia32_crc32di(0, static_cast<std::uint64_t>(folded[0]));
    return static_cast<std::uint32_t>(__builtin_ia32_crc32di(first, static_cast<std::uint64_t>(folded[1])));
}

KWIRE_TARGET_CRC inline vector128 fold(vector128 folded, vector128 factors) noexcept {
    return __builtin_ia32_pclmulqdq128(folded, factors, 0x00) ^
           __builtin_ia32_pclmulqdq128(folded, factors, 0x11);
}
KWIRE_TARGET_CRC inline vector128 load128(const std::byte* p) noexcept {
    vector128 value;
    std::memcpy(&value, p, sizeof value);
    return value;
}

/// Four vectors of 16 bytes at a time: 64 bytes a round.
KWIRE_TARGET_CRC inline std::uint32_t crc32c_sse42(std::uint32_t state, const std::byte* p,
                                                   std::size_t size) noexcept {
    if (size < 256) return crc32c_chain(state, p, size);

    vector128 a = load128(p) ^ vector128 { static_cast<long long>(state), 0 }, b = load128(p + 16);
    vector128 c = load128(p + 32), d = load128(p + 48);
    p += 64, size -= 64;
    constexpr vector128 over_64 = fold_factors(512);
    for (; size >= 64; p += 64, size -= 64) {
        a = fold(a, over_64) ^ load128(p);
        b = fold(b, over_64) ^ load128(p + 16);
        c = fold(c, over_64) ^ load128(p + 32);
        d = fold(d, over_64) ^ load128(p + 48);
    }
    const vector128 all =
        fold(a, fold_factors(384)) ^ fold(b, fold_factors(256)) ^ fold(c, fold_factors(128)) ^ d;
    return crc32c_chain(reduce(all), p, size);
}

/// The factors for the four quarters of a vector. In memory, for a constant expression may hold no such
/// vector.
struct alignas(64) factors512 {
    std::array<long long, 8> lanes;
    explicit consteval factors512(std::uint64_t bits) : factors512(bits, bits, bits, bits) {}
    consteval factors512(std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d)
        : lanes{lane_power(a + 63), lane_power(a - 1), lane_power(b + 63), lane_power(b - 1),
                lane_power(c + 63), lane_power(c - 1), lane_power(d + 63), lane_power(d - 1)} {}
};
inline constexpr factors512 by_64{512}, by_128{1024}, by_192{1536}, by_256{2048};
/// Each quarter moves over those behind it; what becomes of the last is not used.
inline constexpr factors512 quarters{384, 256, 128, 128};

KWIRE_TARGET_CRC512 inline vector512 load512(const std::byte* p) noexcept {
    vector512 value;
    std::memcpy(&value, p, sizeof value);
    return value;
}
KWIRE_TARGET_CRC512 inline vector512 fold(vector512 folded, const factors512& by) noexcept {
    vector512 factors;
    std::memcpy(&factors, by.lanes.data(), sizeof factors);
#if defined(__clang__)
    return __builtin_ia32_pclmulqdq512(folded, factors, 0x00) ^
           __builtin_ia32_pclmulqdq512(folded, factors, 0x11);
#else
    return __builtin_ia32_vpclmulqdq_v8di(folded, factors, 0x00) ^
           __builtin_ia32_vpclmulqdq_v8di(folded, factors, 0x11);
#endif
}
/// Four vectors of 64 bytes at a time: 256 bytes a round.
KWIRE_TARGET_CRC512 inline std::uint32_t crc32c_avx512(std::uint32_t state, const std::byte* p,
                                                       std::size_t size) noexcept {
    if (size < 192) return crc32c_chain(state, p, size);

    vector512 a = load512(p) ^ vector512 { static_cast<long long>(state) };
    p += 64, size -= 64;
    if (size >= 448) {
        vector512 b = load512(p), c = load512(p + 64), d = load512(p + 128);
        p += 192, size -= 192;
        for (; size >= 256; p += 256, size -= 256) {
            a = fold(a, by_256) ^ load512(p);
            b = fold(b, by_256) ^ load512(p + 64);
            c = fold(c, by_256) ^ load512(p + 128);
            d = fold(d, by_256) ^ load512(p + 192);
        }
        a = fold(a, by_192) ^ fold(b, by_128) ^ fold(c, by_64) ^ d;
    }
    for (; size >= 64; p += 64, size -= 64) a = fold(a, by_64) ^ load512(p);

    const vector512 moved = fold(a, quarters);
    const vector128 all = __builtin_shufflevector(moved, moved, 0, 1) ^
                          __builtin_shufflevector(moved, moved, 2, 3) ^
                          __builtin_shufflevector(moved, moved, 4, 5) ^ __builtin_shufflevector(a, a, 6, 7);
    return crc32c_chain(reduce(all), p, size);
}

/// crc_shift_portable with one multiplication and one crc32 per hex digit.
KWIRE_TARGET_CRC inline std::uint32_t crc32c_shift(std::uint32_t crc, std::uint64_t size) noexcept {
    // The product of two reflected 32-bit numbers, read as 8 bytes, stands for a * b * x; crc32 then
    // multiplies by x^32. The tables lack x^-33, so it is put in front once.
    constexpr auto factors = [] {
        // x^(order - 33), where x^order is 1: the polynomial is (x + 1) times a primitive one of degree 31.
        constexpr std::uint32_t correction = power_of_x<castagnoli>(0x7fffffff - 33);
        static_assert(multiply_mod<castagnoli>(correction, power_of_x<castagnoli>(33)) == 1u << 31);
        auto all = crc_shifts<castagnoli>;
        for (auto& digit : all)
            for (auto& factor : digit) factor = multiply_mod<castagnoli>(factor, correction);
        return all;
    }();
    static constexpr auto table = factors;
    for (std::size_t j = 0; size != 0; ++j, size >>= 4) {
        if ((size & 15) == 0) continue;
        const vector128 product =
            __builtin_ia32_pclmulqdq128(vector128{static_cast<long long>(crc), 0},
                                        vector128{static_cast<long long>(table[j][size & 15]), 0}, 0);
        crc = static_cast<std::uint32_t>(__builtin_ia32_crc32di(0, static_cast<std::uint64_t>(product[0])));
    }
    return crc;
}

[[nodiscard]] inline bool has_sse42() noexcept {
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}
[[nodiscard]] inline bool has_avx512() noexcept {
    return has_sse42() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("vpclmulqdq");
}

} // namespace kwire::wire::detail::x86

#undef KWIRE_TARGET_CRC
#undef KWIRE_TARGET_CRC512
#endif
