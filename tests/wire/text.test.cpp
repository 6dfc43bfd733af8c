#include <kwire/wire/text.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "catch.hpp"

TEST_CASE("bytes are shown as text in place") {
    constexpr std::array bytes{std::byte{'a'}, std::byte{0}, std::byte{0xff}};
    const std::string_view text = kwire::text_of(bytes);
    CHECK(text == std::string_view("a\0\xff", 3));
    CHECK(static_cast<const void*>(text.data()) == bytes.data());
    CHECK(kwire::text_of({}).empty());
}

TEST_CASE("text is shown as the bytes of its characters, a literal without its final zero") {
    const std::string text("a\0b", 3);
    const std::span<const std::byte> bytes = kwire::bytes_of_text(text);
    CHECK(static_cast<const void*>(bytes.data()) == text.data());
    CHECK(bytes.size() == 3);
    CHECK(std::to_integer<int>(kwire::bytes_of_text("paid").back()) == 'd');
    CHECK(kwire::bytes_of_text({}).empty());
}
