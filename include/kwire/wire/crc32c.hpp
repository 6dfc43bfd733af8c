/// CRC-32C, the checksum of record batches, with the fastest instructions that the processor has.
///
///     std::uint32_t crc = kwire::crc32c(bytes);
///     crc = kwire::crc32c_extend(crc, more);                            // as of bytes and more in one piece
///     crc = kwire::crc32c_combine(crc, kwire::crc32c(rest), rest.size()); // neither is read again
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

/// The best that this processor can do.
[[nodiscard]] inline crc32c_function choose_crc32c() noexcept {
#if defined(KWIRE_CRC32C_X86)
    if (x86::has_avx512()) return x86::crc32c_avx512;
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

/// Asked once; a local static, for <atomic> would double what this header costs to compile.
[[nodiscard]] inline crc32c_function chosen_crc32c() noexcept {
    static const crc32c_function chosen = choose_crc32c();
    return chosen;
}
[[nodiscard]] inline crc32c_shift_function chosen_crc32c_shift() noexcept {
    static const crc32c_shift_function chosen = choose_crc32c_shift();
    return chosen;
}

} // namespace wire::detail

/// The CRC-32C of the bytes behind `crc` and of `bytes`, in one piece; begin with 0.
[[nodiscard]] constexpr std::uint32_t crc32c_extend(std::uint32_t crc,
                                                    std::span<const std::byte> bytes) noexcept {
    if consteval {
        return ~wire::detail::crc_portable<wire::castagnoli>(~crc, bytes.data(), bytes.size());
    } else {
        return ~wire::detail::chosen_crc32c()(~crc, bytes.data(), bytes.size());
    }
}

/// The CRC-32C of `bytes` (RFC 3720, appendix B.4).
[[nodiscard]] constexpr std::uint32_t crc32c(std::span<const std::byte> bytes) noexcept {
    return crc32c_extend(0, bytes);
}

/// What the difference of two checksums (their exclusive or) becomes when `size` equal bytes follow both.
///
/// One short step per hex digit of `size`; reads no bytes. Checksums are linear: the change of a few bytes in
/// the middle changes the checksum of the whole by the shifted change of the checksum of these few.
[[nodiscard]] constexpr std::uint32_t crc32c_shift(std::uint32_t difference, std::uint64_t size) noexcept {
    if consteval {
        return wire::detail::crc_shift_portable<wire::castagnoli>(difference, size);
    } else {
        return wire::detail::chosen_crc32c_shift()(difference, size);
    }
}

/// The CRC-32C of two pieces from those of each, `crc_b` being of the latter, which has `size_b` bytes.
[[nodiscard]] constexpr std::uint32_t crc32c_combine(std::uint32_t crc_a, std::uint32_t crc_b,
                                                     std::uint64_t size_b) noexcept {
    return crc32c_shift(crc_a, size_b) ^ crc_b;
}

} // namespace kwire
