#include <kwire/wire/overlay.hpp>
#include <kwire/wire/uuid.hpp>

#include <array>
#include <memory>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"

using kwire::errc;
using kwire::test::exact_bytes;
using kwire::test::from_hex;
using kwire::test::to_hex;

namespace {

struct entry {
    kwire::big_int64 offset;
    kwire::uuid id;
    std::int8_t kind;
    kwire::big_uint16 port;
    kwire::big_float64 quota;
};
static_assert(kwire::overlayable<entry> && sizeof(entry) == 35);

struct padded {
    std::int8_t kind;
    std::int32_t number;
};
struct empty {};
struct with_destructor {
    std::byte b;
    ~with_destructor() {}
};
struct with_virtual {
    virtual ~with_virtual() = default;
};

template <class T>
concept bytes_of_temporary = requires { kwire::as_bytes(T{}); };

} // namespace

TEST_CASE("overlay: fields are read and written in place, at every address") {
    const auto bytes = from_hex("0000000000000102 00112233445566778899aabbccddeeff fe ffff 3ff8000000000000");
    for (std::size_t shift = 0; shift < 17; ++shift) {
        const std::unique_ptr<std::byte[]> room(new std::byte[shift + bytes.size()]); // nothing after it
        std::memcpy(room.get() + shift, bytes.data(), bytes.size());
        const std::span<std::byte> where(room.get() + shift, bytes.size());

        const auto read = kwire::overlay<entry>(where);
        REQUIRE(read);
        CHECK(kwire::as_bytes(**read).data() == where.data());
        CHECK((*read)->offset == 0x102);
        CHECK((*read)->id == kwire::uuid::from_halves(0x0011223344556677, 0x8899aabbccddeeff));
        CHECK((*read)->kind == -2);
        CHECK((*read)->port == 65535);
        CHECK((*read)->quota == 1.5);

        const auto written = kwire::overlay_writable<entry>(where);
        REQUIRE(written);
        (*written)->offset = -1;
        (*written)->port = 9092;
        CHECK((*read)->port == 9092);
        CHECK(to_hex(where) == "ffffffffffffffff00112233445566778899aabbccddeefffe23843ff8000000000000");
    }
}

TEST_CASE("overlay: too few bytes are refused with how many it takes, more are left alone") {
    const std::vector<std::byte> zeros(sizeof(entry) + 3);
    for (std::size_t size = 0; size < sizeof(entry); ++size) {
        exact_bytes block{std::span(zeros).first(size)};
        const auto read = kwire::overlay<entry>(block.span());
        REQUIRE(!read);
        CHECK(read.error() == errc::truncated);
        CHECK(read.error().needed == sizeof(entry));
        CHECK(read.error().left == size);
        CHECK(kwire::overlay_writable<entry>(block.writable()).error().left == size);
    }
    CHECK(kwire::overlay<entry>(std::span(zeros)));
}

TEST_CASE("overlay: a value shows its bytes, and takes new ones") {
    entry e{};
    e.offset = 1;
    e.quota = -0.0;
    CHECK(to_hex(kwire::as_bytes(e)) == "0000000000000001" + std::string(38, '0') + "8000000000000000");
    std::ranges::fill(kwire::as_writable_bytes(e), std::byte{0xff});
    CHECK(e.offset == -1);
    CHECK(e.port == 65535);
}

TEST_CASE("overlay: only types that are nothing but their bytes may be laid over bytes") {
    STATIC_REQUIRE(kwire::overlayable<kwire::big_int64>);
    STATIC_REQUIRE(kwire::overlayable<kwire::uuid>);
    STATIC_REQUIRE(kwire::overlayable<std::byte>);
    STATIC_REQUIRE(kwire::overlayable<std::array<kwire::big_int16, 3>>);
    STATIC_REQUIRE_FALSE(kwire::overlayable<std::int32_t>); // alignment
    STATIC_REQUIRE_FALSE(kwire::overlayable<padded>);
    STATIC_REQUIRE_FALSE(kwire::overlayable<empty>);
    STATIC_REQUIRE_FALSE(kwire::overlayable<with_destructor>);
    STATIC_REQUIRE_FALSE(kwire::overlayable<with_virtual>);
    STATIC_REQUIRE_FALSE(kwire::overlayable<bool>);
    STATIC_REQUIRE_FALSE(kwire::overlayable<const entry>);
    STATIC_REQUIRE_FALSE(bytes_of_temporary<entry>);
}

TEST_CASE("fixed_wire_size: known for what has one size, and nothing for the rest") {
    STATIC_REQUIRE(kwire::fixed_wire_size<std::int32_t> == 4);
    STATIC_REQUIRE(kwire::fixed_wire_size<double> == 8);
    STATIC_REQUIRE(kwire::fixed_wire_size<bool> == 1);
    STATIC_REQUIRE(kwire::fixed_wire_size<kwire::uuid> == 16);
    STATIC_REQUIRE(kwire::fixed_wire_size<kwire::big_int64> == 8);
    STATIC_REQUIRE(kwire::fixed_wire_size<entry> == 35);
    STATIC_REQUIRE_FALSE(kwire::fixed_wire_size<std::string_view>.has_value());
    STATIC_REQUIRE_FALSE(kwire::fixed_wire_size<empty>.has_value());
    STATIC_REQUIRE_FALSE(kwire::fixed_wire_size<padded>.has_value());
}
