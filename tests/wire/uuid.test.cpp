#include <kwire/wire/uuid.hpp>
#include <kwire/wire/uuid_text.hpp>

#include <string>
#include <type_traits>

#include "catch.hpp"

using kwire::errc;
using kwire::uuid;

namespace {

std::string text_of(const uuid& id) {
    char room[uuid::text_size];
    return std::string(id.to_chars(room));
}
std::string hex_of(const uuid& id) {
    char room[uuid::hex_size];
    return std::string(id.to_hex(room));
}

/// The texts are what the base64 (URL-safe, padding removed) and hex of other tools give for the same 16
/// bytes.
struct known {
    uuid id;
    const char* text;
    const char* hex;
};
const known samples[] = {
    {uuid{}, "AAAAAAAAAAAAAAAAAAAAAA", "00000000000000000000000000000000"},
    {uuid::from_halves(0, 1), "AAAAAAAAAAAAAAAAAAAAAQ", "00000000000000000000000000000001"},
    {uuid::from_halves(~0ull, ~0ull), "_____________________w", "ffffffffffffffffffffffffffffffff"},
    {uuid::from_halves(0x0011223344556677, 0x8899aabbccddeeff), "ABEiM0RVZneImaq7zN3u_w",
     "00112233445566778899aabbccddeeff"},
};

} // namespace

TEST_CASE("uuid: text is unpadded URL-safe base64, and hex is hex") {
    for (const auto& sample : samples) {
        CHECK(text_of(sample.id) == sample.text);
        CHECK(hex_of(sample.id) == sample.hex);
        CHECK(uuid::from_text(sample.text) == sample.id);
        CHECK(uuid::from_text(std::string(sample.text) + "==") == sample.id);
        CHECK(uuid::from_hex(sample.hex) == sample.id);
    }
    const auto id = uuid::from_text("--------------------_w");
    REQUIRE(id);
    CHECK(text_of(*id) == "--------------------_w");
}

TEST_CASE("uuid: each bit of the 16 bytes has its place in both texts") {
    for (std::size_t bit = 0; bit < 128; ++bit) {
        uuid id;
        id.bytes[bit / 8] = static_cast<std::byte>(1u << bit % 8);
        CHECK(uuid::from_text(text_of(id)) == id);
        CHECK(uuid::from_hex(hex_of(id)) == id);
        CHECK(uuid::from_halves(id.most_significant(), id.least_significant()) == id);
        CHECK(!id.is_zero());
    }
    CHECK(uuid{}.is_zero());
}

TEST_CASE("uuid: hex may have dashes where others put them, and capitals") {
    const auto id = uuid::from_halves(0x0011223344556677, 0x8899aabbccddeeff);
    CHECK(uuid::from_hex("00112233-4455-6677-8899-AABBCCDDEEFF") == id);
    for (const char* bad : {"", "0011223344556677889aabbccddeeff", "00112233-44556677-8899-AABBCCDDEEFF-",
                            "001122334455-6677-8899-aabbccddeeff-", "0011223344556677 899aabbccddeeff1",
                            "00112233445566778899aabbccddeefg", "0011223344556677-8899aabbccddeef"})
        CHECK(uuid::from_hex(bad) == kwire::unexpected{errc::bad_value});
}

TEST_CASE("uuid: text of a wrong length, alphabet or last character is refused") {
    for (const char* bad : {"", "AAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAA",
                            "AAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAA+A", "AAAAAAAAAAAAAAAAAAAA/A",
                            "AAAAAAAAAAAAAAAAAAAAAB", "AAAAAAAAAAAAAAAAAAAAAP", "AAAAAAAAAA AAAAAAAAAAA"})
        CHECK(uuid::from_text(bad) == kwire::unexpected{errc::bad_value});
}

TEST_CASE("uuid: ordered by bytes, 16 of them, alignment 1") {
    STATIC_REQUIRE(sizeof(uuid) == 16);
    STATIC_REQUIRE(alignof(uuid) == 1);
    STATIC_REQUIRE(std::is_trivially_copyable_v<uuid>);
    STATIC_REQUIRE(uuid::from_halves(0, 0x80) > uuid::from_halves(0, 0x7f));
    STATIC_REQUIRE(uuid::from_halves(1, 0) > uuid::from_halves(0, ~0ull));
    STATIC_REQUIRE(uuid::from_text("AAAAAAAAAAAAAAAAAAAAAQ") == uuid::from_halves(0, 1));
}
