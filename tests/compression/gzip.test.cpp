#include <kwire/compression/gzip.hpp>

#include <string>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/codec_laws.hpp"
#include "support/count_allocations.hpp"

using kwire::errc;
using kwire::gzip_codec;
using namespace kwire::test;

namespace {

byte_vector from_text(std::string_view text) {
    const auto bytes = kwire::bytes_of_text(text);
    return {bytes.begin(), bytes.end()};
}

byte_vector joined(const byte_vector& a, const byte_vector& b) {
    byte_vector both = a;
    both.insert(both.end(), b.begin(), b.end());
    return both;
}

} // namespace

TEST_CASE("gzip restores what it compressed") {
    gzip_codec gzip;
    keeps_what_was_compressed(gzip, {32768, 65536});
}

TEST_CASE("gzip restores what it compressed at every level, and refuses a level that zlib lacks") {
    const auto plain = text_of(20000);
    for (int level = -1; level <= 9; ++level) {
        gzip_codec gzip(level);
        REQUIRE(bytes_or_fail(gzip.decompress(compressed_by(gzip, plain), plain.size())) == plain);
    }
    gzip_codec gzip(10);
    REQUIRE(gzip.compress(plain).error() == errc::bad_value);
    REQUIRE(gzip.compress(plain).error() == errc::bad_value);
}

TEST_CASE("gzip reads what Java wrote in a batch") {
    gzip_codec gzip;
    const auto compressed =
        from_hex("1f8b08000000000000ff1360606060ca662a63e063606362642a670000e6a74c2611000000");
    // Two records: k = v at delta 0, and w without a key at delta 1.
    REQUIRE(to_hex(bytes_or_fail(gzip.decompress(compressed, 100))) == "10000000026b027600"
                                                                       "0e000602010277"
                                                                       "00");
}

TEST_CASE("gzip reports every proper prefix of a stream as truncated") {
    gzip_codec gzip;
    const auto compressed = compressed_by(gzip, text_of(300));
    refuses_every_beginning(gzip, compressed, {errc::truncated});
}

TEST_CASE("gzip detects every flipped bit that changes the content") {
    gzip_codec gzip;
    const auto plain = text_of(300);
    survives_every_flipped_bit(gzip, compressed_by(gzip, plain), plain, true);
}

TEST_CASE("gzip works again after errors") {
    gzip_codec gzip;
    starts_afresh_after_errors(gzip);
}

TEST_CASE("gzip stops a bomb at the cap") {
    gzip_codec gzip(9);
    auto bomb = compressed_by(gzip, byte_vector(std::size_t{64} << 20));
    REQUIRE(bomb.size() < 70000);
    stops_bombs(gzip, bomb);
    // The cap holds for any size that the trailer claims.
    for (const auto claim : {std::byte{0}, std::byte{1}, std::byte{255}}) {
        std::fill(bomb.end() - 4, bomb.end(), claim);
        stops_bombs(gzip, bomb);
    }
}

TEST_CASE("gzip refuses a claimed size that is not the size of the content") {
    gzip_codec gzip;
    const auto good = compressed_by(gzip, text_of(1000));
    for (const std::uint32_t claim : {0u, 999u, 1001u, 0x7fffffffu, 0xffffffffu}) {
        auto lying = good;
        for (std::size_t i = 0; i != 4; ++i)
            lying[lying.size() - 4 + i] = static_cast<std::byte>(claim >> 8 * i & 0xff);
        REQUIRE(refusal_of(gzip, lying, 1 << 20) == errc::bad_compressed_data);
        // And takes no memory for it that the bytes do not make likely.
        REQUIRE(memory_taken_by_refused(gzip, lying, std::size_t{1} << 30) < 512 * 1024);
    }
}

TEST_CASE("gzip reads successive members, and the cap applies to all of them together") {
    gzip_codec gzip;
    const auto first = text_of(5000), second = noise_of(100), nothing = byte_vector();
    const auto both =
        joined(joined(compressed_by(gzip, first), compressed_by(gzip, nothing)), compressed_by(gzip, second));
    REQUIRE(bytes_or_fail(gzip.decompress(both, 5100)) == joined(first, second));
    REQUIRE(refusal_of(gzip, both, 5099) == errc::decompressed_too_large);
    REQUIRE(refusal_of(gzip, std::span(both).first(both.size() - 1), 5100) == errc::truncated);
}

TEST_CASE("gzip refuses bytes after a member that do not begin another") {
    gzip_codec gzip;
    const auto good = compressed_by(gzip, text_of(300));
    for (const char* garbage : {"00", "0000000000000000", "1f8c", "ff", "789c"})
        REQUIRE(refusal_of(gzip, joined(good, from_hex(garbage)), 1 << 20) == errc::trailing_bytes);
    REQUIRE(refusal_of(gzip, joined(good, from_hex("1f")), 1 << 20) == errc::truncated);
    REQUIRE(refusal_of(gzip, joined(good, from_hex("1f8b")), 1 << 20) == errc::truncated);
}

TEST_CASE("gzip refuses empty input, zlib's own format and other bytes") {
    gzip_codec gzip;
    REQUIRE(refusal_of(gzip, {}, 100) == errc::truncated);
    REQUIRE(refusal_of(gzip, from_hex("789c010500fafff4f5f6f7f80b1504c5000000000000"), 100) ==
            errc::bad_compressed_data);
    REQUIRE(refusal_of(gzip, noise_of(100), 1000) == errc::bad_compressed_data);
}

TEST_CASE("gzip reads ten thousand empty members") {
    gzip_codec gzip;
    const auto nothing = compressed_by(gzip, byte_vector());
    byte_vector many;
    for (int i = 0; i < 10000; ++i) many.insert(many.end(), nothing.begin(), nothing.end());
    REQUIRE(bytes_or_fail(gzip.decompress(many, 0)).empty());
}

TEST_CASE("gzip takes memory in proportion to its input, whatever size the trailer claims") {
    if (!support::counts_allocations) return;
    gzip_codec gzip;
    auto lying = compressed_by(gzip, text_of(10));
    std::fill(lying.end() - 4, lying.end(), std::byte{0x7f});
    REQUIRE(gzip.decompress(lying, ~std::size_t{0}).error() == errc::bad_compressed_data);
    support::largest_allocation = 0;
    REQUIRE(!gzip.decompress(lying, ~std::size_t{0}));
    CHECK(support::largest_allocation <= std::size_t{300} << 10);
}

TEST_CASE("gzip as Kafka reads it: what follows a member counts only if it begins with a whole header") {
    constexpr auto as_kafka = kwire::decompress_options::as_kafka();
    gzip_codec gzip;
    // Written by Java; Kafka 4.4.0 has read each of these inputs.
    const auto plain = from_text("hello hello hello hello hello hello hello hello 0123456789");
    const auto good =
        from_hex("1f8b08000000000000ffcb48cdc9c957c8209a3430343236313533b7b00400d316454c3a000000");
    const auto twice = joined(plain, plain);
    const auto read = [&](const byte_vector& input) {
        return bytes_or_fail(gzip.decompress(exact_bytes(input).span(), 1000, 2, as_kafka));
    };
    const auto fails = [&](const byte_vector& input) {
        return gzip.decompress(exact_bytes(input).span(), 1000, 2, as_kafka).error().code;
    };
    CHECK(read(good) == plain);
    CHECK(read(joined(good, good)) == twice);
    for (const char* rest :
         {"00", "1f", "1f8b", "ff00ff", "0000000000000000000000000000000000000000000000000000"}) {
        CAPTURE(rest);
        CHECK(read(joined(good, from_hex(rest))) == plain);
        CHECK(read(joined(joined(good, good), from_hex(rest))) == twice);
        CHECK_FALSE(gzip.decompress(joined(good, from_hex(rest)), 1000));
    }
    for (std::size_t n = 1; n != good.size(); ++n) {
        CAPTURE(n);
        const auto input =
            joined(good, byte_vector(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n)));
        if (n <= 18)
            CHECK(read(input) == plain);
        else
            CHECK(fails(input) == errc::truncated);
    }
    const auto changed = [&](std::size_t at, int value) {
        auto copy = good;
        copy[at] = static_cast<std::byte>(value);
        return copy;
    };
    for (const std::size_t at : {1u, 2u}) CHECK(read(joined(good, changed(at, 0xff))) == plain);
    CHECK(read(joined(good, changed(8, 0xff))) == twice);
    CHECK(read(changed(3, 0xe0)) == plain); // reserved flags
    CHECK(read(joined(good, changed(3, 0xe0))) == twice);
    CHECK(refusal_of(gzip, changed(3, 0xe0), 1000) == errc::bad_compressed_data);
    // The checksum and the size at the end of a member are compared, and so is a checksum of the header.
    CHECK(fails(changed(good.size() - 8, 0)) == errc::bad_compressed_data);
    CHECK(fails(changed(good.size() - 4, 0)) == errc::bad_compressed_data);
    auto with_checksum = changed(3, 2);
    with_checksum.insert(with_checksum.begin() + 10, {std::byte{1}, std::byte{2}});
    CHECK(fails(with_checksum) == errc::bad_compressed_data);
    CHECK(read(joined(good, with_checksum)) == plain);
    // A header with all optional parts, and the same cut anywhere.
    auto full = from_hex("1f8b081e0000000000ff"
                         "0300616263"
                         "6e616d6500"
                         "6e6f746500");
    const auto crc = crc32(0, reinterpret_cast<const Bytef*>(full.data()), static_cast<uInt>(full.size()));
    full.push_back(static_cast<std::byte>(crc & 0xff));
    full.push_back(static_cast<std::byte>(crc >> 8 & 0xff));
    const auto header = full;
    full.insert(full.end(), good.begin() + 10, good.end());
    CHECK(read(full) == plain);
    CHECK(read(joined(good, full)) == twice);
    for (std::size_t n = 19; n < header.size(); ++n)
        CHECK(read(joined(good, byte_vector(full.begin(), full.begin() + static_cast<std::ptrdiff_t>(n)))) ==
              plain);
}
