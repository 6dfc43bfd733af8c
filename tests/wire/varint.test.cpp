#include <kwire/wire/varint.hpp>

#include <limits>
#include <optional>
#include <type_traits>

#include "catch.hpp"
#include "support/bytes.hpp"

namespace wire = kwire::wire;
using kwire::errc;
using kwire::test::exact_bytes;
using kwire::test::from_hex;

namespace {

/// Reads `hex` from a block of exactly its size; the value if all bytes were used, else the defect.
template <class T>
struct outcome {
    std::optional<T> value;
    errc defect{};
};

template <class T>
outcome<T> read(std::span<const std::byte> bytes) {
    using U = std::make_unsigned_t<T>;
    const exact_bytes block(bytes);
    T value = 77;
    const std::byte* next = nullptr;
    if constexpr (std::is_unsigned_v<T>)
        next = wire::read_uvarint(block.begin(), block.end(), value);
    else
        next = wire::read_varint(block.begin(), block.end(), value);
    if (next == nullptr) {
        CHECK(value == 77); // untouched
        return {std::nullopt, wire::varint_defect<U>(block.begin(), block.end())};
    }
    CHECK(next == block.end());
    T trusted = 78;
    if constexpr (std::is_unsigned_v<T>)
        CHECK(wire::read_uvarint_trusted(block.begin(), trusted) == next);
    else
        CHECK(wire::read_varint_trusted(block.begin(), trusted) == next);
    CHECK(trusted == value);
    return {value, {}};
}

template <class T>
outcome<T> read(std::string_view hex) {
    return read<T>(from_hex(hex));
}

/// All that is near a border between sizes, or special.
template <class U>
std::vector<U> interesting() {
    std::vector<U> values;
    for (int bit = 0; bit < std::numeric_limits<U>::digits; ++bit)
        for (int near = -2; near <= 2; ++near)
            values.push_back(static_cast<U>((U{1} << bit) + static_cast<U>(near)));
    values.push_back(std::numeric_limits<U>::max());
    values.push_back(std::numeric_limits<U>::max() / 3);
    return values;
}

template <class U>
std::size_t size_by_division(U value) {
    std::size_t size = 1;
    for (; value >= 128; value /= 128) ++size;
    return size;
}

template <class U>
void round_trip() {
    using S = std::make_signed_t<U>;
    for (const U value : interesting<U>()) {
        CAPTURE(value);
        const std::size_t size = size_by_division(value);
        CHECK(wire::uvarint_size(value) == size);
        exact_bytes out(std::vector<std::byte>(size, std::byte{0xee}));
        REQUIRE(wire::write_uvarint(out.writable().data(), value) == out.end());
        CHECK(read<U>(out.span()).value == value);

        const S number = static_cast<S>(value);
        CHECK(wire::zigzag_decode(wire::zigzag_encode(number)) == number);
        exact_bytes signed_out(std::vector<std::byte>(wire::varint_size(number)));
        REQUIRE(wire::write_varint(signed_out.writable().data(), number) == signed_out.end());
        CHECK(read<S>(signed_out.span()).value == number);

        for (std::size_t cut = 0; cut < size; ++cut) {
            const auto result = read<U>(out.span().first(cut));
            CHECK(!result.value);
            CHECK(result.defect == errc::truncated);
        }
    }
}

} // namespace

TEST_CASE("varints: what is written is read again, in the fewest bytes, and no prefix of it is") {
    round_trip<std::uint32_t>();
    round_trip<std::uint64_t>();
}

TEST_CASE("varints: every last byte of every shape of 32 bits") {
    for (std::size_t size = 1; size <= 6; ++size) {
        for (unsigned last = 0; last < 256; ++last) {
            std::vector<std::byte> bytes(size, std::byte{0x80});
            bytes.back() = static_cast<std::byte>(last);
            CAPTURE(size, last);
            const auto result = read<std::uint32_t>(bytes);
            const bool ends = last < 0x80 && size <= 5;
            if (ends && (size < 5 || last <= 0x0f)) {
                CHECK(result.value == static_cast<std::uint32_t>(std::uint64_t{last} << (7 * (size - 1))));
            } else {
                CHECK(!result.value);
                CHECK(result.defect == (size < 5 ? errc::truncated : errc::bad_varint));
            }
        }
    }
}

TEST_CASE("varints: every last byte of every shape of 64 bits") {
    for (std::size_t size = 1; size <= 11; ++size) {
        for (unsigned last = 0; last < 256; ++last) {
            std::vector<std::byte> bytes(size, std::byte{0x80});
            bytes.back() = static_cast<std::byte>(last);
            CAPTURE(size, last);
            const auto result = read<std::uint64_t>(bytes);
            const bool ends = last < 0x80 && size <= 10;
            if (ends && (size < 10 || last <= 1)) {
                CHECK(result.value == std::uint64_t{last} << (7 * (size - 1)));
            } else {
                CHECK(!result.value);
                CHECK(result.defect == (size < 10 ? errc::truncated : errc::bad_varint));
            }
        }
    }
}

TEST_CASE("varints: padded forms are read, up to the longest size of the type") {
    for (std::size_t size = 1; size <= 10; ++size) {
        std::vector<std::byte> bytes(size, std::byte{0x80});
        bytes.front() |= std::byte{5};
        bytes.back() &= std::byte{0x7f};
        CAPTURE(size);
        CHECK(read<std::uint64_t>(bytes).value == 5u);
        if (size <= 5) CHECK(read<std::uint32_t>(bytes).value == 5u);
    }
    CHECK(read<std::uint32_t>("8000").value == 0u);
}

TEST_CASE("varints: the probes that were put to Kafka's own readers") {
    // Where Kafka drops bits that the type has no room for, kwire refuses.
    CHECK(read<std::uint32_t>("8080808008").value == 0x80000000u);
    CHECK(read<std::uint32_t>("8080808010").defect == errc::bad_varint);
    CHECK(read<std::uint32_t>("ffffffff7f").defect == errc::bad_varint);
    CHECK(read<std::uint32_t>("ffffffff0f").value == 0xffffffffu);
    CHECK(read<std::uint32_t>("808080808001").defect == errc::bad_varint);
    CHECK(read<std::int64_t>("80808080808080808001").value == std::int64_t{1} << 62);
    CHECK(read<std::int64_t>("80808080808080808002").defect == errc::bad_varint);
    CHECK(read<std::int64_t>("ffffffffffffffffff01").value == std::numeric_limits<std::int64_t>::min());
    CHECK(read<std::int32_t>("01").value == -1);
    CHECK(read<std::int32_t>("02").value == 1);
    CHECK(read<std::int32_t>("ffffffff0f").value == std::numeric_limits<std::int32_t>::min());
    CHECK(read<std::int32_t>("feffffff0f").value == std::numeric_limits<std::int32_t>::max());
}

TEST_CASE("varints: bytes after the value are not touched") {
    const auto bytes = from_hex("7f 8101 ffffffff0f 00");
    const std::byte* p = bytes.data();
    const std::byte* const end = p + bytes.size();
    std::uint32_t value = 0;
    p = wire::read_uvarint(p, end, value);
    CHECK((p == bytes.data() + 1 && value == 127));
    p = wire::read_uvarint(p, end, value);
    CHECK((p == bytes.data() + 3 && value == 129));
    p = wire::read_uvarint(p, end, value);
    CHECK((p == bytes.data() + 8 && value == 0xffffffff));
    p = wire::read_uvarint(p, end, value);
    CHECK((p == end && value == 0));
    CHECK(wire::read_uvarint(p, end, value) == nullptr);
}

TEST_CASE("varints: all of it works at compile time") {
    constexpr auto there_and_back = [](std::uint64_t value) {
        std::byte bytes[wire::max_varint64_size]{};
        const std::byte* const end = wire::write_uvarint(bytes, value);
        std::uint64_t read = 0, trusted = 0;
        return wire::read_uvarint(bytes, end, read) == end &&
               wire::read_uvarint_trusted(bytes, trusted) == end && read == value && trusted == value &&
               wire::uvarint_size(value) == static_cast<std::size_t>(end - bytes);
    };
    STATIC_REQUIRE(there_and_back(0));
    STATIC_REQUIRE(there_and_back(127));
    STATIC_REQUIRE(there_and_back(128));
    STATIC_REQUIRE(there_and_back(~std::uint64_t{0}));
    STATIC_REQUIRE(wire::zigzag_encode(std::numeric_limits<std::int32_t>::min()) == 0xffffffffu);
    STATIC_REQUIRE(wire::zigzag_decode(std::uint64_t{3}) == -2);
}
