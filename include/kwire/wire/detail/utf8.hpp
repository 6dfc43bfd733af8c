/// Internal: decodes one UTF-8 character at a time; Kafka's strings are not checked and may hold any bytes.
#pragma once

#include <kwire/detail/config.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kwire::inline KWIRE_ABI::wire {

/// The first character of a text.
struct utf8_character {
    std::size_t size;   ///< its size in bytes, or how many bytes are invalid together
    std::uint32_t code; ///< its code point; meaningless if it is not valid
    /// Whether the bytes are a character.
    bool sound;
};

/// The character at the start of `text`, which must not be empty (RFC 3629: no surrogates, no overlong
/// forms).
[[nodiscard]] constexpr utf8_character utf8_at(std::string_view text) noexcept {
    const auto lead = static_cast<unsigned char>(text[0]);
    if (lead < 0x80) return {1, lead, true};
    std::size_t size = 0;
    unsigned low = 0x80, high = 0xbf; // the range of the second byte
    if (lead >= 0xc2 && lead <= 0xdf) {
        size = 2;
    } else if (lead >= 0xe0 && lead <= 0xef) {
        size = 3;
        if (lead == 0xe0) low = 0xa0;
        if (lead == 0xed) high = 0x9f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
        size = 4;
        if (lead == 0xf0) low = 0x90;
        if (lead == 0xf4) high = 0x8f;
    } else {
        return {1, 0, false};
    }
    std::uint32_t code = lead & (0x7fU >> size);
    for (std::size_t i = 1; i < size; ++i) {
        const unsigned next = i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
        if (next < low || next > high) return {i, 0, false};
        code = code << 6 | (next & 0x3f);
        low = 0x80;
        high = 0xbf;
    }
    return {size, code, true};
}

} // namespace kwire::inline KWIRE_ABI::wire
