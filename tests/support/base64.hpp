/// Base64 for tests: keys and values in the golden record sets.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace kwire::test {

/// The bytes encoded by `encoded`, padded or not. Precondition: it is valid base64.
inline std::string from_base64(std::string_view encoded) {
    const std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string plain;
    unsigned bits = 0, value = 0;
    for (const char c : encoded.substr(0, encoded.find('='))) {
        value = value << 6 | static_cast<unsigned>(alphabet.find(c));
        if ((bits += 6) >= 8) plain += static_cast<char>(value >> (bits -= 8) & 255);
    }
    return plain;
}

/// Standard base64 with its padding.
inline std::string to_base64(std::span<const std::byte> bytes) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        unsigned group = 0;
        for (std::size_t j = 0; j < 3; ++j)
            group = group << 8 | (i + j < bytes.size() ? std::to_integer<unsigned>(bytes[i + j]) : 0);
        for (std::size_t j = 0; j < 4; ++j)
            text += i + j > bytes.size() ? '=' : alphabet[group >> (18 - 6 * j) & 63];
    }
    return text;
}

} // namespace kwire::test
