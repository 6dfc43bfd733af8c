/// Internal: changes to a header in place, with its checksum adjusted to them.
///
/// A CRC is linear: it changes by what the changed bytes alone would change it, shifted by the number of
/// bytes that follow (see crc32c_shift). The time grows with the logarithm of the size of the batch only. A
/// checksum that was wrong before stays wrong.
#pragma once

#include <kwire/records/batch.hpp>
#include <kwire/wire/crc32c.hpp>
#include <kwire/wire/detail/crc32_tables.hpp>
#include <kwire/wire/overlay.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace kwire::inline KWIRE_ABI::detail {

/// The difference (exclusive or) in the checksum if `before` becomes `after` and `following` bytes come after
/// them; the bytes before them and the initial value cancel out.
template <std::size_t N>
[[nodiscard]] inline std::uint32_t crc32c_change(const std::byte* before, const std::byte* after,
                                                 std::uint64_t following) noexcept {
    std::array<std::byte, N> difference;
    for (std::size_t i = 0; i < N; ++i) difference[i] = before[i] ^ after[i];
    return crc32c_shift(~crc32c_extend(~0U, difference), following);
}
template <std::size_t N>
[[nodiscard]] inline std::uint32_t crc32_change(const std::byte* before, const std::byte* after,
                                                std::uint64_t following) noexcept {
    return wire::detail::crc_shift_portable<wire::ieee_802_3>(
        wire::crc32_ieee({before, N}) ^ wire::crc32_ieee({after, N}), following);
}

/// Lets `edit` change a header of magic 2, within `Covered` bytes from the attributes on, and adjusts the
/// checksum.
template <std::size_t Covered, class Edit>
void edit_header(batch_header& header, std::uint64_t size, Edit edit) noexcept {
    constexpr std::size_t first = offsetof(batch_header, attributes);
    static_assert(first + Covered <= sizeof(batch_header));
    std::byte* const fields = as_writable_bytes(header).data() + first;
    std::array<std::byte, Covered> before;
    std::memcpy(before.data(), fields, Covered);
    edit(header);
    if (std::memcmp(before.data(), fields, Covered) != 0)
        header.crc = header.crc ^ crc32c_change<Covered>(before.data(), fields, size - first - Covered);
}

/// The same for a message of magic 1. Not for magic 0, which has no timestamp.
template <class Edit>
void edit_message(message_prefix& message, std::uint64_t size, Edit edit) noexcept {
    constexpr std::size_t first = offsetof(message_prefix, magic);
    constexpr std::size_t covered = sizeof(message_prefix) - first;
    std::byte* const fields = as_writable_bytes(message).data() + first;
    std::array<std::byte, covered> before;
    std::memcpy(before.data(), fields, covered);
    edit(message);
    if (std::memcmp(before.data(), fields, covered) != 0)
        message.crc =
            message.crc ^ crc32_change<covered>(before.data(), fields, size - sizeof(message_prefix));
}

} // namespace kwire::inline KWIRE_ABI::detail
