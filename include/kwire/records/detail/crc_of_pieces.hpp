/// Internal: the checksum of a batch that was put together from pieces of an old one and new bytes, from the
/// checksum of the old one.
///
/// A CRC is linear: it is the sum (exclusive or) of what each stretch of the bytes contributes, shifted by
/// the number of bytes after it. A stretch that is in both batches contributes to both checksums; if
/// stretches S1, S2, ... have all moved by the same distance d, then their common contribution to the new
/// checksum is that to the old one, shifted by d. One such group need not be read: what it contributes is
/// the old checksum without the contributions of all other bytes. So if one record changes its length, the
/// shorter of the two parts before and after it has to be read; if all changes keep lengths, nothing
/// but the changed bytes is. No rule can do with less: the checksum is one equation for one unknown.
///
/// An old checksum that is wrong differs from the right one by some e other than 0, and the new one by e
/// shifted by d, which is not 0 either: it stays wrong.
#pragma once

#include <kwire/records/detail/batch_pieces.hpp>
#include <kwire/wire/crc32c.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace kwire::inline KWIRE_ABI::detail {

/// The remainder of some bytes followed by `bytes`, given `state`, that of the former: a CRC without its
/// initial and final inversion, which is linear.
[[nodiscard]] inline std::uint32_t remainder_of(std::uint32_t state,
                                                std::span<const std::byte> bytes) noexcept {
    return ~crc32c_extend(~state, bytes);
}

/// A distance by which stretches moved, and how many bytes moved by it.
struct moved_bytes {
    std::int64_t distance = 0;
    std::uint64_t size = 0;
};

/// The distance by which most bytes moved, or nearly so: of more than eight different distances the smaller
/// ones may be forgotten, which makes the checksum slower, not wrong.
[[nodiscard]] inline moved_bytes widest_move(std::span<const batch_piece> pieces) noexcept {
    std::array<moved_bytes, 8> groups{};
    std::uint64_t at = 0;
    for (const batch_piece& piece : pieces) {
        const std::uint64_t size = piece.bytes.size();
        if (piece.old_at != batch_piece::new_bytes) {
            const auto distance = static_cast<std::int64_t>(at - piece.old_at);
            moved_bytes* place = groups.data();
            for (moved_bytes& group : groups) {
                if (group.size != 0 && group.distance == distance) {
                    place = &group;
                    break;
                }
                if (group.size < place->size) place = &group;
            }
            if (place->size != 0 && place->distance != distance) {
                if (place->size < size) *place = {distance, size};
            } else {
                *place = {distance, place->size + size};
            }
        }
        at += size;
    }
    moved_bytes widest;
    for (const moved_bytes& group : groups)
        if (group.size > widest.size) widest = group;
    return widest;
}

/// The CRC-32C of the new bytes from `covered` on. `old` are all old bytes, whose stored checksum from
/// `covered` on is `stored`; `verified` says that it is right. The first `covered` bytes are in the first
/// piece, which is new.
[[nodiscard]] inline std::uint32_t crc_of_pieces(std::span<const batch_piece> pieces,
                                                 std::span<const std::byte> old, std::size_t covered,
                                                 std::uint32_t stored, bool verified) noexcept {
    const moved_bytes widest = widest_move(pieces);
    const auto new_part = [covered, pieces](const batch_piece& piece) {
        const auto bytes = piece.bytes.span();
        return &piece == pieces.data() ? bytes.subspan(covered) : bytes;
    };
    if (verified) {
        // If more old bytes than that went away, then it is faster to read all new ones.
        std::uint64_t kept = 0;
        for (const batch_piece& piece : pieces)
            if (piece.old_at != batch_piece::new_bytes) kept += piece.bytes.size();
        if (old.size() - covered - kept >= widest.size) {
            std::uint32_t crc = 0;
            for (const batch_piece& piece : pieces) crc = crc32c_extend(crc, new_part(piece));
            return crc;
        }
    }

    std::uint32_t before = 0, after = 0; // of all bytes up to here, with zeros where the group lies
    std::uint64_t at = 0;                // in the new bytes
    std::uint64_t read = covered;        // old bytes up to there are in `before`
    for (const batch_piece& piece : pieces) {
        const std::uint64_t size = piece.bytes.size();
        if (piece.old_at == batch_piece::new_bytes) {
            after = remainder_of(after, new_part(piece));
        } else {
            before = remainder_of(before, old.subspan(static_cast<std::size_t>(read),
                                                      static_cast<std::size_t>(piece.old_at - read)));
            const bool in_group = static_cast<std::int64_t>(at - piece.old_at) == widest.distance;
            const std::uint32_t stretch = in_group ? 0 : remainder_of(0, piece.bytes.span());
            before = crc32c_shift(before, size) ^ stretch;
            after = crc32c_shift(after, size) ^ stretch;
            read = piece.old_at + size;
        }
        at += size;
    }
    before = remainder_of(before, old.subspan(static_cast<std::size_t>(read)));

    const std::uint32_t group = ~stored ^ crc32c_shift(~0U, old.size() - covered) ^ before;
    // How many bytes more follow the group than before: the change of the whole minus what it moved by.
    const std::int64_t more = static_cast<std::int64_t>(at - old.size()) - widest.distance;
    after ^= more >= 0 ? crc32c_shift(group, static_cast<std::uint64_t>(more))
                       : crc32c_unshift(group, static_cast<std::uint64_t>(-more));
    return ~(after ^ crc32c_shift(~0U, at - covered));
}

} // namespace kwire::inline KWIRE_ABI::detail
