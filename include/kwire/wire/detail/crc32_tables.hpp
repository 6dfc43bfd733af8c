/// Internal: 32-bit checksums without special instructions, and their arithmetic.
///
/// A CRC is the remainder of the message, read as a polynomial over GF(2), after division by a fixed one
/// whose degree is 32. Both polynomials that Kafka uses are taken in reflected form: bit 31 is the
/// coefficient of x^0, bit 0 of x^31.
#pragma once

#include <kwire/detail/config.hpp>
#include <kwire/detail/cxx23.hpp>
#include <kwire/wire/endian.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace kwire::wire {

/// CRC-32C (Castagnoli, RFC 3720): record batches of magic 2.
inline constexpr std::uint32_t castagnoli = 0x82f63b78;
/// CRC-32 (IEEE 802.3, as in gzip): messages of magic 0 and 1.
inline constexpr std::uint32_t ieee_802_3 = 0xedb88320;

namespace detail {

/// a * b modulo the polynomial, all reflected.
template <std::uint32_t Polynomial>
constexpr std::uint32_t multiply_mod(std::uint32_t a, std::uint32_t b) noexcept {
    std::uint32_t product = 0;
    for (int i = 0; i < 32; ++i) {
        product ^= b & (0 - (a >> 31)); // no branch: the bits are random
        a <<= 1;
        b = b >> 1 ^ (Polynomial & (0 - (b & 1)));
    }
    return product;
}

/// [j][b]: the contribution of byte b to the checksum if j bytes follow it. 8 KiB.
// cost: plain arrays, and the first row from eight of its entries, since a checksum is linear: the compiler
// takes 10 ms for a table, and 60 ms with std::array and a loop over the bits of each byte.
struct crc_table {
    std::uint32_t of[8][256];

    [[nodiscard]] KWIRE_ALWAYS_INLINE constexpr const std::uint32_t*
    operator[](std::size_t j) const noexcept {
        return of[j];
    }
};
template <std::uint32_t Polynomial>
inline constexpr crc_table crc_tables = [] {
    crc_table tables{};
    std::uint32_t crc = 1;
    for (std::uint32_t bit = 128; bit != 0; bit >>= 1) {
        crc = crc >> 1 ^ (Polynomial & (0 - (crc & 1)));
        for (std::uint32_t low = 0; low < 256; low += 2 * bit)
            tables.of[0][low + bit] = crc ^ tables.of[0][low];
    }
    for (std::size_t j = 1; j < 8; ++j)
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const std::uint32_t before = tables.of[j - 1][byte];
            tables.of[j][byte] = before >> 8 ^ tables.of[0][before & 0xff];
        }
    return tables;
}();

/// x^n modulo the polynomial, eight powers at a time, for n up to a few thousand.
template <std::uint32_t Polynomial>
constexpr std::uint32_t power_of_x(std::uint64_t n) noexcept {
    std::uint32_t power = 1u << (31 - n % 8);
    for (n /= 8; n != 0; --n) power = power >> 8 ^ crc_tables<Polynomial>[0][power & 0xff];
    return power;
}

/// [j][d]: x^(8 d 16^j), the factor by which d * 16^j following bytes shift a checksum. 1 KiB.
template <std::uint32_t Polynomial>
inline constexpr auto crc_shifts = [] {
    std::array<std::array<std::uint32_t, 16>, 16> factors{};
    std::uint32_t step = power_of_x<Polynomial>(8);
    for (auto& digit : factors) {
        digit[0] = 1u << 31;
        for (std::size_t d = 1; d < 16; ++d) digit[d] = multiply_mod<Polynomial>(digit[d - 1], step);
        step = multiply_mod<Polynomial>(digit[15], step);
    }
    return factors;
}();

/// The register of the division after `size` more bytes; eight bytes at a time through the tables.
template <std::uint32_t Polynomial>
constexpr std::uint32_t crc_portable(std::uint32_t state, const std::byte* p, std::size_t size) noexcept {
    const auto& tables = crc_tables<Polynomial>;
    for (; size >= 8; p += 8, size -= 8) {
        const std::uint64_t word = kwire::detail::byteswap(load_be<std::uint64_t>(p)) ^ state;
        const auto byte = [word](unsigned number) { return static_cast<std::uint8_t>(word >> (8 * number)); };
        state = tables[7][byte(0)] ^ tables[6][byte(1)] ^ tables[5][byte(2)] ^ tables[4][byte(3)] ^
                tables[3][byte(4)] ^ tables[2][byte(5)] ^ tables[1][byte(6)] ^ tables[0][byte(7)];
    }
    for (; size != 0; ++p, --size)
        state = state >> 8 ^ tables[0][(state ^ std::to_integer<std::uint32_t>(*p)) & 0xff];
    return state;
}

/// A checksum after `size` zero bytes: multiplied by x^(8 size), one step per hexadecimal digit.
template <std::uint32_t Polynomial>
constexpr std::uint32_t crc_shift_portable(std::uint32_t crc, std::uint64_t size) noexcept {
    for (std::size_t j = 0; size != 0; ++j, size >>= 4)
        if ((size & 15) != 0) crc = multiply_mod<Polynomial>(crc, crc_shifts<Polynomial>[j][size & 15]);
    return crc;
}

} // namespace detail

/// The CRC-32 of `bytes`, as in gzip: the checksum of Kafka's messages of magic 0 and 1.
[[nodiscard]] constexpr std::uint32_t crc32_ieee(std::span<const std::byte> bytes) noexcept {
    return ~detail::crc_portable<ieee_802_3>(~0u, bytes.data(), bytes.size());
}

} // namespace kwire::wire
