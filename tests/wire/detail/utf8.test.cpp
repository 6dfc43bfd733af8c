#include <kwire/wire/detail/utf8.hpp>

#include <string>

#include "catch.hpp"

namespace {

using kwire::wire::utf8_at;

/// Encodes as RFC 3629, section 3.
std::string encoded(std::uint32_t code) {
    const auto tail = [code](int shift) { return static_cast<char>(0x80 | ((code >> shift) & 0x3f)); };
    if (code < 0x80) return {static_cast<char>(code)};
    if (code < 0x800) return {static_cast<char>(0xc0 | code >> 6), tail(0)};
    if (code < 0x10000) return {static_cast<char>(0xe0 | code >> 12), tail(6), tail(0)};
    return {static_cast<char>(0xf0 | code >> 18), tail(12), tail(6), tail(0)};
}

bool refused(std::string_view text, std::size_t size) {
    const auto found = utf8_at(text);
    return !found.sound && found.size == size;
}

} // namespace

TEST_CASE("every code point is read back, and surrogates are invalid") {
    std::size_t wrong = 0;
    for (std::uint32_t code = 0; code <= 0x10ffff; ++code) {
        const std::string text = encoded(code) + "x";
        const auto found = utf8_at(text);
        const bool surrogate = code >= 0xd800 && code <= 0xdfff;
        if (found.sound == surrogate ||
            (found.sound && (found.code != code || found.size + 1 != text.size())))
            ++wrong;
    }
    CHECK(wrong == 0);
}

TEST_CASE("an invalid sequence has the size of its longest valid prefix, at least one byte") {
    CHECK(refused("\x80", 1));
    CHECK(refused("\xc0\xaf", 1)); // a slash in two bytes
    CHECK(refused("\xc1\xbf", 1));
    CHECK(refused("\xe0\x9f\xbf", 1)); // two bytes would do
    CHECK(refused("\xf0\x8f\xbf\xbf", 1));
    CHECK(refused("\xf4\x90\x80\x80", 1)); // above U+10FFFF
    CHECK(refused("\xf5\x80\x80\x80", 1));
    CHECK(refused("\xff", 1));
    CHECK(refused("\xe2\x82", 2)); // cut off
    CHECK(refused("\xe2\x82z", 2));
    CHECK(refused("\xf0\x9f\x8e", 3));
}

static_assert(utf8_at("\xc3\xbc").code == 0xfc);
