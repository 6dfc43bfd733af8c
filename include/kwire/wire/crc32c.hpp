/// CRC-32C, the checksum of record batches, computed with the fastest instructions of the processor.
///
///     std::uint32_t crc = kwire::crc32c(bytes);
///     crc = kwire::crc32c_extend(crc, more);                            // of `bytes` followed by `more`
///     crc = kwire::crc32c_combine(crc, kwire::crc32c(rest), rest.size()); // reads no bytes again
#pragma once

#include <kwire/wire/detail/crc32_tables.hpp>
#include <kwire/wire/detail/crc32c_arm.hpp>
#include <kwire/wire/detail/crc32c_x86.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace kwire {

namespace wire::detail {

using crc32c_function = std::uint32_t (*)(std::uint32_t state, const std::byte* p, std::size_t size) noexcept;
using crc32c_shift_function = std::uint32_t (*)(std::uint32_t crc, std::uint64_t size) noexcept;

/// The fastest implementation for this processor.
[[nodiscard]] inline crc32c_function choose_crc32c() noexcept {
#if defined(KWIRE_CRC32C_X86)
    if (x86::has_avx512()) return x86::crc32c_avx512;
    if (x86::has_avx2()) return x86::crc32c_avx2;
    if (x86::has_sse42()) return x86::crc32c_sse42;
#elif defined(KWIRE_CRC32C_ARM)
    if (arm::has_crc()) return arm::crc32c;
#endif
    return crc_portable<castagnoli>;
}
[[nodiscard]] inline crc32c_shift_function choose_crc32c_shift() noexcept {
#if defined(KWIRE_CRC32C_X86)
    if (x86::has_sse42()) return x86::crc32c_shift;
#endif
    return crc_shift_portable<castagnoli>;
}

/// The choice, made once. cost: a local static, because <atomic> would double the compile time of this
/// header.
[[nodiscard]] inline crc32c_function chosen_crc32c() noexcept {
    static const crc32c_function chosen = choose_crc32c();
    return chosen;
}
[[nodiscard]] inline crc32c_shift_function chosen_crc32c_shift() noexcept {
    static const crc32c_shift_function chosen = choose_crc32c_shift();
    return chosen;
}

} // namespace wire::detail

/// The CRC-32C of some bytes followed by `bytes`, given `crc`, that of the former; 0 for none.
[[nodiscard]] constexpr std::uint32_t crc32c_extend(std::uint32_t crc,
                                                    std::span<const std::byte> bytes) noexcept {
    if (KWIRE_IS_CONSTEVAL()) {
        return ~wire::detail::crc_portable<wire::castagnoli>(~crc, bytes.data(), bytes.size());
    } else {
        return ~wire::detail::chosen_crc32c()(~crc, bytes.data(), bytes.size());
    }
}

/// The CRC-32C of `bytes` (RFC 3720, appendix B.4).
[[nodiscard]] constexpr std::uint32_t crc32c(std::span<const std::byte> bytes) noexcept {
    return crc32c_extend(0, bytes);
}

/// The difference (exclusive or) of two checksums after the same `size` bytes were appended to both inputs.
///
/// One short step per hexadecimal digit of `size`; reads no bytes. Checksums are linear: if a few bytes in
/// the middle change, the checksum of the whole changes by the shifted difference of the checksums of those
/// bytes.
[[nodiscard]] constexpr std::uint32_t crc32c_shift(std::uint32_t difference, std::uint64_t size) noexcept {
    if (KWIRE_IS_CONSTEVAL()) {
        return wire::detail::crc_shift_portable<wire::castagnoli>(difference, size);
    } else {
        return wire::detail::chosen_crc32c_shift()(difference, size);
    }
}

/// The inverse of crc32c_shift: crc32c_unshift(crc32c_shift(d, n), n) is d. As fast.
[[nodiscard]] constexpr std::uint32_t crc32c_unshift(std::uint32_t difference, std::uint64_t size) noexcept {
    // Shifts by 2^31 - 1 bits, and so by as many bytes, change nothing: that is the order of x modulo the
    // polynomial, which is (x + 1) times a primitive one of degree 31.
    constexpr std::uint64_t order = 0x7fffffff;
    return crc32c_shift(difference, order - size % order);
}

/// The CRC-32C of a sequence from those of its two parts; `crc_b` is that of the second part, which has
/// `size_b` bytes.
[[nodiscard]] constexpr std::uint32_t crc32c_combine(std::uint32_t crc_a, std::uint32_t crc_b,
                                                     std::uint64_t size_b) noexcept {
    return crc32c_shift(crc_a, size_b) ^ crc_b;
}

} // namespace kwire
