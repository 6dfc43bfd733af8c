/// Kafka's ids of 16 bytes; include wire/uuid_text.hpp to convert them from and to text.
#pragma once

#include <kwire/detail/config.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/wire/endian.hpp>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace kwire::inline KWIRE_ABI {

/// A topic id, cluster member id or directory id: 16 bytes as they are on the wire, alignment 1.
///
/// Ordered by its bytes. Zero stands for "none"; Kafka reserves it, and 0:1, for itself.
struct uuid {
    /// In the order of the wire.
    std::array<std::byte, 16> bytes{};

    /// Characters of to_chars: two bits short of a 23rd.
    static constexpr std::size_t text_size = 22;
    /// Characters of to_hex.
    static constexpr std::size_t hex_size = 32;

    /// From the two halves that Kafka's own interfaces speak of.
    [[nodiscard]] static constexpr uuid from_halves(std::uint64_t most_significant,
                                                    std::uint64_t least_significant) noexcept {
        uuid id;
        wire::store_be(id.bytes.data(), most_significant);
        wire::store_be(id.bytes.data() + 8, least_significant);
        return id;
    }
    [[nodiscard]] constexpr std::uint64_t most_significant() const noexcept {
        return wire::load_be<std::uint64_t>(bytes.data());
    }
    [[nodiscard]] constexpr std::uint64_t least_significant() const noexcept {
        return wire::load_be<std::uint64_t>(bytes.data() + 8);
    }

    /// Whether this is the id that means "none".
    [[nodiscard]] constexpr bool is_zero() const noexcept {
        return (most_significant() | least_significant()) == 0;
    }

    friend constexpr auto operator<=>(const uuid&, const uuid&) noexcept = default;
    friend constexpr bool operator==(const uuid&, const uuid&) noexcept = default;

    // The four below are defined in wire/uuid_text.hpp.

    /// Writes the id as Kafka prints it, 22 characters of `A-Z a-z 0-9 - _`, and returns them.
    constexpr std::string_view to_chars(std::span<char, text_size> out) const noexcept;

    /// Writes the id as 32 lower-case hex digits and returns them.
    constexpr std::string_view to_hex(std::span<char, hex_size> out) const noexcept;

    /// Reads what Kafka prints, with or without the two `=` that complete the base64.
    ///
    /// bad_value if the length is another, a character is outside the URL-safe alphabet, or one of the four
    /// bits that the last character has too many is set.
    [[nodiscard]] static constexpr expected<uuid, errc> from_text(std::string_view text) noexcept;

    /// Reads 32 hex digits of either case, with or without the dashes of the canonical form of other systems
    /// (`00112233-4455-6677-8899-aabbccddeeff`). bad_value for anything else.
    [[nodiscard]] static constexpr expected<uuid, errc> from_hex(std::string_view text) noexcept;
};

} // namespace kwire::inline KWIRE_ABI
