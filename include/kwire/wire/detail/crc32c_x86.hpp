/// Internal: CRC-32C with the instructions of x86-64: crc32 and wide carry-less multiplication.
///
/// Written with the compilers' vector extensions and builtins; cost: <immintrin.h> takes half a second to
/// compile. The functions are compiled even if the program may run on processors without these instructions:
/// crc32c.hpp tests for them before a call.
#pragma once

#include <kwire/wire/detail/crc32_tables.hpp>

#if defined(__x86_64__) && defined(__GNUC__)
#define KWIRE_CRC32C_X86 1

#include <cstddef>
#include <cstdint>
#include <cstring>

#define KWIRE_TARGET_CRC [[gnu::target("sse4.2,pclmul")]]
#define KWIRE_TARGET_CRC256 [[gnu::target("sse4.2,pclmul,avx2,vpclmulqdq")]]
#define KWIRE_TARGET_CRC512 [[gnu::target("sse4.2,pclmul,avx512f,vpclmulqdq")]]

namespace kwire::inline KWIRE_ABI::wire::detail::x86 {

using vector128 [[gnu::vector_size(16)]] = long long;
using vector256 [[gnu::vector_size(32)]] = long long;
using vector512 [[gnu::vector_size(64)]] = long long;

/// x^n in the upper half of a lane. A carry-less product of two reflected lanes comes out multiplied by x, so
/// n is one less than the required shift.
consteval long long lane_power(std::uint64_t n) {
    return static_cast<long long>(static_cast<std::uint64_t>(power_of_x<castagnoli>(n)) << 32);
}
/// The two factors that shift 16 bytes by `bits` bits: the low lane holds the higher powers of x. In memory,
/// because a constant expression cannot access the elements of a vector.
struct alignas(16) fold_factors {
    long long low, high;
    explicit consteval fold_factors(std::uint64_t bits)
        : low(lane_power(bits + 63)), high(lane_power(bits - 1)) {}
};

[[nodiscard]] KWIRE_TARGET_CRC inline std::uint64_t load_word(const std::byte* p) noexcept {
    std::uint64_t word;
    std::memcpy(&word, p, sizeof word);
    return word;
}

/// The crc32 instruction, eight bytes a step, as a chain with 3 cycles of latency per step.
KWIRE_TARGET_CRC inline std::uint32_t crc32c_chain(std::uint32_t state, const std::byte* p,
                                                   std::size_t size) noexcept {
    std::uint64_t wide = state;
    for (; size >= 8; p += 8, size -= 8) wide = __builtin_ia32_crc32di(wide, load_word(p));
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

/// The remainder of 16 bytes that represent everything read so far.
KWIRE_TARGET_CRC inline std::uint32_t reduce(vector128 folded) noexcept {
    const std::uint64_t first = __builtin_ia32_crc32di(0, static_cast<std::uint64_t>(folded[0]));
    return static_cast<std::uint32_t>(__builtin_ia32_crc32di(first, static_cast<std::uint64_t>(folded[1])));
}

/// a * b modulo the polynomial, reflected: multiply_mod with two instructions.
KWIRE_TARGET_CRC inline std::uint32_t multiply(std::uint32_t a, std::uint32_t b) noexcept {
    const vector128 raw = __builtin_ia32_pclmulqdq128(vector128{a, 0}, vector128{b, 0}, 0x00);
    // Shifted by one, bit 0 represents x^63: crc32 reduces the lower half below x^32.
    const std::uint64_t product = static_cast<std::uint64_t>(raw[0]) << 1;
    return __builtin_ia32_crc32si(0, static_cast<std::uint32_t>(product)) ^
           static_cast<std::uint32_t>(product >> 32);
}

/// Three parallel chains of `Lane` bytes each hide the latency of a step.
template <std::size_t Lane>
KWIRE_TARGET_CRC inline std::uint32_t crc32c_lanes(std::uint32_t state, const std::byte* p,
                                                   std::size_t rounds) noexcept {
    constexpr std::uint32_t over_one = power_of_x<castagnoli>(8 * Lane),
                            over_two = power_of_x<castagnoli>(16 * Lane);
    for (; rounds != 0; --rounds, p += 3 * Lane) {
        std::uint64_t a = state, b = 0, c = 0;
        for (std::size_t i = 0; i < Lane; i += 8) {
            a = __builtin_ia32_crc32di(a, load_word(p + i));
            b = __builtin_ia32_crc32di(b, load_word(p + Lane + i));
            c = __builtin_ia32_crc32di(c, load_word(p + 2 * Lane + i));
        }
        state = multiply(static_cast<std::uint32_t>(a), over_two) ^
                multiply(static_cast<std::uint32_t>(b), over_one) ^ static_cast<std::uint32_t>(c);
    }
    return state;
}

/// For processors without wide carry-less multiplication; on many of them the narrow one is slower than this.
KWIRE_TARGET_CRC inline std::uint32_t crc32c_sse42(std::uint32_t state, const std::byte* p,
                                                   std::size_t size) noexcept {
    constexpr std::size_t large = 1024, small = 128;
    if (const std::size_t rounds = size / (3 * large); rounds != 0) {
        state = crc32c_lanes<large>(state, p, rounds);
        p += rounds * 3 * large, size -= rounds * 3 * large;
    }
    if (const std::size_t rounds = size / (3 * small); rounds != 0) {
        state = crc32c_lanes<small>(state, p, rounds);
        p += rounds * 3 * small, size -= rounds * 3 * small;
    }
    return crc32c_chain(state, p, size);
}

/// 16 bytes of a wider vector.
template <int I, class Vector>
[[gnu::always_inline]] inline vector128 part_of(const Vector& all) noexcept {
#if __has_builtin(__builtin_shufflevector)
    return __builtin_shufflevector(all, all, 2 * I, 2 * I + 1);
#else
    return vector128{all[2 * I], all[2 * I + 1]};
#endif
}

/// The factors for the four quarters of a vector.
struct alignas(64) fold_factors512 {
    fold_factors quarters[4];
};
consteval fold_factors512 four_times(fold_factors f) { return {{f, f, f, f}}; }
inline constexpr fold_factors512 over_64 = four_times(fold_factors(512)),
                                 over_128 = four_times(fold_factors(1024)),
                                 over_192 = four_times(fold_factors(1536)),
                                 over_256 = four_times(fold_factors(2048));
/// Shifts each quarter by those after it; the last result is not used.
inline constexpr fold_factors512 over_rest{
    {fold_factors(384), fold_factors(256), fold_factors(128), fold_factors(128)}};

KWIRE_TARGET_CRC512 inline vector512 load512(const std::byte* p) noexcept {
    vector512 value;
    std::memcpy(&value, p, sizeof value);
    return value;
}
KWIRE_TARGET_CRC512 inline vector512 fold(vector512 folded, const fold_factors512& over) noexcept {
    vector512 factors;
    std::memcpy(&factors, &over, sizeof factors);
#if defined(__clang__)
    return __builtin_ia32_pclmulqdq512(folded, factors, 0x00) ^
           __builtin_ia32_pclmulqdq512(folded, factors, 0x11);
#else
    return __builtin_ia32_vpclmulqdq_v8di(folded, factors, 0x00) ^
           __builtin_ia32_vpclmulqdq_v8di(folded, factors, 0x11);
#endif
}
/// The remainder of 64 bytes that represent everything read so far.
KWIRE_TARGET_CRC512 inline std::uint32_t reduce512(vector512 folded) noexcept {
    const vector512 moved = fold(folded, over_rest);
    return reduce(part_of<0>(moved) ^ part_of<1>(moved) ^ part_of<2>(moved) ^ part_of<3>(folded));
}

/// Four parallel vectors of 64 bytes: 256 bytes a round.
struct fold_state {
    static constexpr std::size_t round_bytes = 256;

    vector512 a, b, c, d;

    KWIRE_TARGET_CRC512 fold_state(std::uint32_t state, const std::byte* p) noexcept
        : a(load512(p) ^ vector512{static_cast<long long>(state)}),
          b(load512(p + 64)),
          c(load512(p + 128)),
          d(load512(p + 192)) {}
    KWIRE_TARGET_CRC512 void add(const std::byte* p) noexcept {
        a = fold(a, over_256) ^ load512(p);
        b = fold(b, over_256) ^ load512(p + 64);
        c = fold(c, over_256) ^ load512(p + 128);
        d = fold(d, over_256) ^ load512(p + 192);
    }
    [[nodiscard]] KWIRE_TARGET_CRC512 vector512 joined() const noexcept {
        return fold(a, over_192) ^ fold(b, over_128) ^ fold(c, over_64) ^ d;
    }
    [[nodiscard]] KWIRE_TARGET_CRC512 std::uint32_t remainder() const noexcept { return reduce512(joined()); }
};

/// The factor for `size` & 0xffff bytes, whose digits begin at digit `first`.
KWIRE_TARGET_CRC inline std::uint32_t shift_factor(std::uint64_t size, std::size_t first) noexcept {
    const auto* const digits = crc_shifts<castagnoli>.data() + first;
    return multiply(multiply(digits[0][size & 15], digits[1][size >> 4 & 15]),
                    multiply(digits[2][size >> 8 & 15], digits[3][size >> 12 & 15]));
}
/// crc_shift_portable, but four digits at a time, multiplied as a tree: the time is the latency of successive
/// multiplications.
KWIRE_TARGET_CRC inline std::uint32_t crc32c_shift(std::uint32_t crc, std::uint64_t size) noexcept {
    std::uint32_t factor = shift_factor(size, 0);
    size >>= 16;
    for (std::size_t first = 4; size != 0; first += 4, size >>= 16)
        factor = multiply(factor, shift_factor(size, first));
    return multiply(crc, factor);
}

/// Three chains of the crc32 instruction, over three pieces of the same size that follow one another.
struct three_chains {
    static constexpr std::size_t round_bytes = 40; ///< of each piece

    const std::byte* at; ///< in the first piece
    std::size_t piece;   ///< its bytes: a multiple of `round_bytes`
    std::uint64_t x = 0, y = 0, z = 0;

    KWIRE_TARGET_CRC void add() noexcept {
        for (std::size_t i = 0; i != round_bytes; i += 8) {
            x = __builtin_ia32_crc32di(x, load_word(at + i));
            y = __builtin_ia32_crc32di(y, load_word(at + piece + i));
            z = __builtin_ia32_crc32di(z, load_word(at + 2 * piece + i));
        }
        at += round_bytes;
    }
    /// The checksum of what comes before the pieces, whose own is `first`, and of all three.
    [[nodiscard]] KWIRE_TARGET_CRC std::uint32_t joined(std::uint32_t first) const noexcept {
        const std::uint32_t over_piece = crc32c_shift(1u << 31, piece);
        first = multiply(first, over_piece) ^ static_cast<std::uint32_t>(x);
        first = multiply(first, over_piece) ^ static_cast<std::uint32_t>(y);
        return multiply(first, over_piece) ^ static_cast<std::uint32_t>(z);
    }
    /// The first byte after the pieces, once all rounds are added.
    [[nodiscard]] const std::byte* end() const noexcept { return at + 2 * piece; }
};

/// What vectors and chains do at the same time, in the function that has the instructions of `Folded`: moves
/// `p` to the first byte that is left. Precondition: at least one round of both after that of the vectors.
template <class Folded>
[[gnu::always_inline]] KWIRE_TARGET_CRC inline std::uint32_t mix(std::uint32_t state, const std::byte*& p,
                                                                 std::size_t size) noexcept {
    constexpr std::size_t folded_bytes = Folded::round_bytes;
    const std::size_t rounds = (size - folded_bytes) / (folded_bytes + 3 * three_chains::round_bytes);
    Folded folded(state, p);
    p += folded_bytes;
    three_chains chains{.at = p + rounds * folded_bytes, .piece = rounds * three_chains::round_bytes};
    for (std::size_t round = 0; round != rounds; ++round, p += folded_bytes) {
        folded.add(p);
        chains.add();
    }
    p = chains.end();
    return chains.joined(folded.remainder());
}

/// Vectors cost more than they save below. At 128 bytes they take 4.1 ns instead of 6.1, or if each checksum
/// waits for the one before, 10 instead of 13.
inline constexpr std::size_t chained_below = 128;

/// Vectors only, for some hundred bytes. Precondition: at least 64.
KWIRE_TARGET_CRC512 inline std::uint32_t crc32c_folded(std::uint32_t state, const std::byte* p,
                                                       std::size_t size) noexcept {
    vector512 all;
    if (size < 512) {
        all = load512(p) ^ vector512 { static_cast<long long>(state) };
        p += 64, size -= 64;
    } else {
        fold_state folded(state, p);
        for (p += 256, size -= 256; size >= 256; p += 256, size -= 256) folded.add(p);
        all = folded.joined();
    }
    for (; size >= 64; p += 64, size -= 64) all = fold(all, over_64) ^ load512(p);
    return crc32c_chain(reduce512(all), p, size);
}

/// Vectors, and at the same time three chains of the crc32 instruction, which another unit of the processor
/// executes: of each 376 bytes, vectors take the first 256 and the chains the next 40 each. Precondition: at
/// least 632.
KWIRE_TARGET_CRC512 inline std::uint32_t crc32c_mixed(std::uint32_t state, const std::byte* p,
                                                      std::size_t size) noexcept {
    const std::byte* const end = p + size;
    state = mix<fold_state>(state, p, size);
    const auto left = static_cast<std::size_t>(end - p);
    return left < chained_below ? crc32c_chain(state, p, left) : crc32c_folded(state, p, left);
}

/// cost: itself without vectors, for which it would align the stack: half as much again at 64 bytes.
KWIRE_TARGET_CRC inline std::uint32_t crc32c_avx512(std::uint32_t state, const std::byte* p,
                                                    std::size_t size) noexcept {
    if (size < chained_below) return crc32c_chain(state, p, size);
    // Below, joining the parts costs more than it saves.
    return size < 4096 ? crc32c_folded(state, p, size) : crc32c_mixed(state, p, size);
}

/// Now with vectors of 32 bytes, for processors that have wide carry-less multiplication but not AVX-512.
/// cost: crc32c_sse42 takes 1.4 times as long at 256 bytes, and 1.6 to 1.7 times from 1 KiB on.
struct alignas(32) fold_factors256 {
    fold_factors halves[2];
};
consteval fold_factors256 two_times(fold_factors f) { return {{f, f}}; }
inline constexpr fold_factors256 half_over_16 = two_times(fold_factors(128)),
                                 half_over_32 = two_times(fold_factors(256)),
                                 half_over_64 = two_times(fold_factors(512)),
                                 half_over_96 = two_times(fold_factors(768)),
                                 half_over_128 = two_times(fold_factors(1024));

KWIRE_TARGET_CRC256 inline vector256 load256(const std::byte* p) noexcept {
    vector256 value;
    std::memcpy(&value, p, sizeof value);
    return value;
}
KWIRE_TARGET_CRC256 inline vector256 fold(vector256 folded, const fold_factors256& over) noexcept {
    vector256 factors;
    std::memcpy(&factors, &over, sizeof factors);
#if defined(__clang__)
    return __builtin_ia32_pclmulqdq256(folded, factors, 0x00) ^
           __builtin_ia32_pclmulqdq256(folded, factors, 0x11);
#else
    return __builtin_ia32_vpclmulqdq_v4di(folded, factors, 0x00) ^
           __builtin_ia32_vpclmulqdq_v4di(folded, factors, 0x11);
#endif
}

KWIRE_TARGET_CRC256 inline std::uint32_t reduce256(vector256 folded) noexcept {
    const vector256 moved = fold(folded, half_over_16);
    return reduce(part_of<0>(moved) ^ part_of<1>(folded));
}

/// Four parallel vectors of 32 bytes: 128 bytes a round.
struct fold_state256 {
    static constexpr std::size_t round_bytes = 128;

    vector256 a, b, c, d;

    KWIRE_TARGET_CRC256 fold_state256(std::uint32_t state, const std::byte* p) noexcept
        : a(load256(p) ^ vector256{static_cast<long long>(state)}),
          b(load256(p + 32)),
          c(load256(p + 64)),
          d(load256(p + 96)) {}
    KWIRE_TARGET_CRC256 void add(const std::byte* p) noexcept {
        a = fold(a, half_over_128) ^ load256(p);
        b = fold(b, half_over_128) ^ load256(p + 32);
        c = fold(c, half_over_128) ^ load256(p + 64);
        d = fold(d, half_over_128) ^ load256(p + 96);
    }
    [[nodiscard]] KWIRE_TARGET_CRC256 vector256 joined() const noexcept {
        return fold(a, half_over_96) ^ fold(b, half_over_64) ^ fold(c, half_over_32) ^ d;
    }
    [[nodiscard]] KWIRE_TARGET_CRC256 std::uint32_t remainder() const noexcept { return reduce256(joined()); }
};

/// As crc32c_folded. Precondition: at least 128 bytes.
KWIRE_TARGET_CRC256 inline std::uint32_t crc32c_folded256(std::uint32_t state, const std::byte* p,
                                                          std::size_t size) noexcept {
    fold_state256 folded(state, p);
    for (p += 128, size -= 128; size >= 128; p += 128, size -= 128) folded.add(p);
    vector256 all = folded.joined();
    for (; size >= 32; p += 32, size -= 32) all = fold(all, half_over_32) ^ load256(p);
    return crc32c_chain(reduce256(all), p, size);
}

/// As crc32c_mixed: of each 248 bytes, vectors take 128. Precondition: at least 376 bytes.
KWIRE_TARGET_CRC256 inline std::uint32_t crc32c_mixed256(std::uint32_t state, const std::byte* p,
                                                         std::size_t size) noexcept {
    const std::byte* const end = p + size;
    state = mix<fold_state256>(state, p, size);
    const auto left = static_cast<std::size_t>(end - p);
    return left < chained_below ? crc32c_chain(state, p, left) : crc32c_folded256(state, p, left);
}

/// As crc32c_avx512. Below 2 KiB, joining the parts costs more than it saves.
KWIRE_TARGET_CRC inline std::uint32_t crc32c_avx2(std::uint32_t state, const std::byte* p,
                                                  std::size_t size) noexcept {
    if (size < chained_below) return crc32c_chain(state, p, size);
    return size < 2048 ? crc32c_folded256(state, p, size) : crc32c_mixed256(state, p, size);
}

[[nodiscard]] inline bool has_sse42() noexcept {
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}
[[nodiscard]] inline bool has_avx2() noexcept {
    return has_sse42() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("vpclmulqdq");
}
[[nodiscard]] inline bool has_avx512() noexcept {
    return has_sse42() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("vpclmulqdq");
}

} // namespace kwire::inline KWIRE_ABI::wire::detail::x86

#undef KWIRE_TARGET_CRC
#undef KWIRE_TARGET_CRC256
#undef KWIRE_TARGET_CRC512
#endif
