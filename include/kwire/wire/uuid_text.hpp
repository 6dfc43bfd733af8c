/// The text of Kafka's ids: 22 characters of unpadded URL-safe base64, or 32 hex digits.
///
///     std::array<char, kwire::uuid::text_size> room;
///     print(topic_id.to_chars(room));
///     const auto id = kwire::uuid::from_text("AAAAAAAAAAEAAAAAAAAAAg");
// cost: a header of its own, since these functions take 94 M instructions of the compiler, 2.3 % of a program
// that parses and visits a message.
#pragma once

#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/wire/uuid.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace kwire {

inline constexpr std::string_view uuid::to_chars(std::span<char, text_size> out) const noexcept {
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

inline constexpr std::string_view uuid::to_hex(std::span<char, hex_size> out) const noexcept {
    constexpr const char* digits = "0123456789abcdef";
    std::size_t at = 0;
    for (const std::byte b : bytes) {
        out[at++] = digits[std::to_integer<std::size_t>(b >> 4)];
        out[at++] = digits[std::to_integer<std::size_t>(b & std::byte{0x0f})];
    }
    return {out.data(), out.size()};
}

namespace detail {

constexpr int uuid_base64_digit(char c) noexcept {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '-') return 62;
    return c == '_' ? 63 : -1;
}
constexpr int uuid_hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

} // namespace detail

inline constexpr expected<uuid, errc> uuid::from_text(std::string_view text) noexcept {
    if (text.size() == text_size + 2 && text.ends_with("==")) text.remove_suffix(2);
    if (text.size() != text_size) return unexpected(errc::bad_value);
    uuid id;
    unsigned pending = 0, bits = 0;
    std::size_t at = 0;
    for (const char c : text) {
        const int digit = detail::uuid_base64_digit(c);
        if (digit < 0) return unexpected(errc::bad_value);
        pending = pending << 6 | static_cast<unsigned>(digit);
        bits += 6;
        if (bits >= 8) { // 22 characters fill the 16 bytes exactly and leave 4 bits
            bits -= 8;
            id.bytes[at++] = static_cast<std::byte>(pending >> bits & 0xff);
        }
    }
    if ((pending & 0x0f) != 0) return unexpected(errc::bad_value);
    return id;
}

inline constexpr expected<uuid, errc> uuid::from_hex(std::string_view text) noexcept {
    const bool dashed = text.size() == hex_size + 4;
    if (!dashed && text.size() != hex_size) return unexpected(errc::bad_value);
    uuid id;
    std::size_t from = 0;
    for (std::size_t at = 0; at < id.bytes.size(); ++at) {
        if (dashed && (at == 4 || at == 6 || at == 8 || at == 10) && text[from++] != '-')
            return unexpected(errc::bad_value);
        const int high = detail::uuid_hex_digit(text[from++]), low = detail::uuid_hex_digit(text[from++]);
        if (high < 0 || low < 0) return unexpected(errc::bad_value);
        id.bytes[at] = static_cast<std::byte>(high << 4 | low);
    }
    return id;
}

} // namespace kwire
