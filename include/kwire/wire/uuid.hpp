/// Kafka's ids of 16 bytes, and their text: 22 characters of unpadded URL-safe base64, or 32 hex digits.
#pragma once

#include <kwire/error.hpp>
#include <kwire/wire/endian.hpp>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

namespace kwire {

/// A topic id, cluster member id or directory id: 16 bytes as they are on the wire, alignment 1.
///
/// Ordered by its bytes. Zero stands for "none"; Kafka reserves it, and 0:1, for itself.
struct uuid {
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

    /// Writes the id as Kafka prints it, 22 characters of `A-Z a-z 0-9 - _`, and returns them.
    constexpr std::string_view to_chars(std::span<char, text_size> out) const noexcept {
        constexpr const char* alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        unsigned pending = 0, bits = 0;
        std::size_t at = 0;
        for (const std::byte b : bytes) {
            pending = pending << 8 | std::to_integer<unsigned>(b);
            for (bits += 8; bits >= 6; bits -= 6) out[at++] = alphabet[pending >> (bits - 6) & 0x3f];
        }
        out[at] = alphabet[pending << (6 - bits) & 0x3f];
        return {out.data(), out.size()};
    }

    /// Writes the id as 32 lower-case hex digits and returns them.
    constexpr std::string_view to_hex(std::span<char, hex_size> out) const noexcept {
        constexpr const char* digits = "0123456789abcdef";
        std::size_t at = 0;
        for (const std::byte b : bytes) {
            out[at++] = digits[std::to_integer<std::size_t>(b >> 4)];
            out[at++] = digits[std::to_integer<std::size_t>(b & std::byte{0x0f})];
        }
        return {out.data(), out.size()};
    }

    /// Reads what Kafka prints, with or without the two `=` that complete the base64.
    ///
    /// bad_value if the length is another, a character is outside the URL-safe alphabet, or one of the four
    /// bits that the last character has too many is set.
    [[nodiscard]] static constexpr std::expected<uuid, errc> from_text(std::string_view text) noexcept {
        if (text.size() == text_size + 2 && text.ends_with("==")) text.remove_suffix(2);
        if (text.size() != text_size) return std::unexpected(errc::bad_value);
        uuid id;
        unsigned pending = 0, bits = 0;
        std::size_t at = 0;
        for (const char c : text) {
            const int digit = base64_digit(c);
            if (digit < 0) return std::unexpected(errc::bad_value);
            pending = pending << 6 | static_cast<unsigned>(digit);
            bits += 6;
            if (bits >= 8) { // 22 characters fill the 16 bytes exactly and leave 4 bits
                bits -= 8;
                id.bytes[at++] = static_cast<std::byte>(pending >> bits & 0xff);
            }
        }
        if ((pending & 0x0f) != 0) return std::unexpected(errc::bad_value);
        return id;
    }

    /// Reads 32 hex digits of either case, with or without the dashes of the canonical form of other systems
    /// (`00112233-4455-6677-8899-aabbccddeeff`). bad_value for anything else.
    [[nodiscard]] static constexpr std::expected<uuid, errc> from_hex(std::string_view text) noexcept {
        const bool dashed = text.size() == hex_size + 4;
        if (!dashed && text.size() != hex_size) return std::unexpected(errc::bad_value);
        uuid id;
        std::size_t from = 0;
        for (std::size_t at = 0; at < id.bytes.size(); ++at) {
            if (dashed && (at == 4 || at == 6 || at == 8 || at == 10) && text[from++] != '-')
                return std::unexpected(errc::bad_value);
            const int high = hex_digit(text[from++]), low = hex_digit(text[from++]);
            if (high < 0 || low < 0) return std::unexpected(errc::bad_value);
            id.bytes[at] = static_cast<std::byte>(high << 4 | low);
        }
        return id;
    }

private:
    static constexpr int base64_digit(char c) noexcept {
        if (c >= 'A' && c <= 'Z') return c - 'A';
        if (c >= 'a' && c <= 'z') return c - 'a' + 26;
        if (c >= '0' && c <= '9') return c - '0' + 52;
        if (c == '-') return 62;
        return c == '_' ? 63 : -1;
    }
    static constexpr int hex_digit(char c) noexcept {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    }
};

} // namespace kwire
