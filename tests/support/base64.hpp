/// Base64 for tests: keys and values in the golden record sets.
#pragma once

#include <string>
#include <string_view>

namespace kwire::test {

/// The bytes that `encoded` stands for, padded or not; it must be well formed.
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

} // namespace kwire::test
