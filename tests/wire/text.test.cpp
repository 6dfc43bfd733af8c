#include <kwire/wire/text.hpp>

#include <array>

#include "catch.hpp"

TEST_CASE("bytes are shown as text where they lie") {
    constexpr std::array bytes{std::byte{'a'}, std::byte{0}, std::byte{0xff}};
    const std::string_view text = kwire::text_of(bytes);
    CHECK(text == std::string_view("a\0\xff", 3));
    CHECK(static_cast<const void*>(text.data()) == bytes.data());
    CHECK(kwire::text_of({}).empty());
}
