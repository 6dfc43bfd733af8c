#include <kwire/wire/endian.hpp>

#include <cmath>
#include <limits>
#include <type_traits>

#include "catch.hpp"
#include "support/bytes.hpp"

namespace wire = kwire::wire;
using kwire::test::from_hex;
using kwire::test::to_hex;

namespace {

/// Loads, stores and a big<T> at every offset from an aligned address.
template <class T>
void check_everywhere(T value, std::string_view hex) {
    const auto expected = from_hex(hex);
    REQUIRE(expected.size() == sizeof(T));
    for (std::size_t shift = 0; shift < 16; ++shift) {
        alignas(16) std::byte room[16 + sizeof(T)];
        std::byte* const at = room + shift;
        std::memset(room, 0x5a, sizeof room);
        wire::store_be(at, value);
        CHECK(to_hex({at, sizeof(T)}) == hex);
        CHECK((shift == 0 || at[-1] == std::byte{0x5a}));
        CHECK((shift == 16 || at[sizeof(T)] == std::byte{0x5a} || at + sizeof(T) == room + sizeof room));
        CHECK(std::memcmp(at, expected.data(), sizeof(T)) == 0);
        const T loaded = wire::load_be<T>(at);
        CHECK(std::memcmp(&loaded, &value, sizeof(T)) ==
              0); // bit for bit, because NaN is not equal to itself
    }
    const kwire::big<T> number = value;
    CHECK(std::memcmp(&number, expected.data(), sizeof(T)) == 0);
}

} // namespace

TEST_CASE("big-endian numbers: the first byte is the most significant, at every address") {
    check_everywhere<std::int8_t>(-2, "fe");
    check_everywhere<std::uint8_t>(0x12, "12");
    check_everywhere<std::int16_t>(-2, "fffe");
    check_everywhere<std::uint16_t>(0x1234, "1234");
    check_everywhere<std::int32_t>(std::numeric_limits<std::int32_t>::min(), "80000000");
    check_everywhere<std::uint32_t>(0x12345678, "12345678");
    check_everywhere<std::int64_t>(-2, "fffffffffffffffe");
    check_everywhere<std::uint64_t>(0x0123456789abcdef, "0123456789abcdef");
    check_everywhere<float>(1.5f, "3fc00000");
    check_everywhere<double>(1.5, "3ff8000000000000");
    check_everywhere<double>(-0.0, "8000000000000000");
}

TEST_CASE("big-endian numbers: the payload of a NaN survives") {
    for (std::uint64_t payload = 1; payload < 0x10000; payload += 97) {
        const std::uint64_t bits = 0x7ff8000000000000 | payload << 17 | payload;
        std::byte in[8], out[8];
        wire::store_be(in, bits);
        const kwire::big_float64 number = wire::load_be<double>(in);
        CHECK(std::isnan(number.value()));
        wire::store_be(out, number.value());
        CHECK(std::memcmp(in, out, sizeof in) == 0);
    }
}

TEST_CASE("big-endian numbers: a big<T> reads, assigns and compares like a number") {
    struct header {
        kwire::big_int64 base_offset;
        kwire::big_int16 epoch;
    };
    STATIC_REQUIRE(sizeof(header) == 10);
    STATIC_REQUIRE(alignof(header) == 1);
    header h{};
    CHECK(h.base_offset == 0);
    h.base_offset = 42;
    h.epoch = -1;
    CHECK(h.base_offset == 42);
    CHECK(h.base_offset + 1 == 43);
    CHECK(h.epoch < 0);
    const std::int64_t copy = h.base_offset;
    CHECK(copy == 42);
    const header other = h;
    CHECK(other.base_offset == h.base_offset);
}

TEST_CASE("big-endian numbers: big<T> has alignment 1 and works at compile time") {
    STATIC_REQUIRE(sizeof(kwire::big_int32) == 4);
    STATIC_REQUIRE(alignof(kwire::big_float64) == 1);
    STATIC_REQUIRE(std::is_trivially_copyable_v<kwire::big_int64>);
    STATIC_REQUIRE(std::is_trivially_default_constructible_v<kwire::big_int64>);
    STATIC_REQUIRE(std::is_standard_layout_v<kwire::big_uint16>);
    STATIC_REQUIRE(kwire::big_int32(-7) == -7);
    STATIC_REQUIRE(kwire::big_float64(1.25) == 1.25);
    constexpr auto first_byte = [](std::uint32_t value) {
        std::byte bytes[4]{};
        wire::store_be(bytes, value);
        return bytes[0];
    };
    STATIC_REQUIRE(first_byte(0x12345678) == std::byte{0x12});
}

TEST_CASE("big-endian numbers: bool and wide floats are excluded") {
    STATIC_REQUIRE_FALSE(wire::number<bool>);
    STATIC_REQUIRE_FALSE(wire::number<long double>);
    STATIC_REQUIRE_FALSE(wire::number<const int>);
    STATIC_REQUIRE(wire::number<std::int8_t>);
}
