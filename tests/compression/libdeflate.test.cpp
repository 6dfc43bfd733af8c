// needs: gzip
#include <kwire/compression/libdeflate.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/codec_laws.hpp"
#include "support/count_allocations.hpp"

using kwire::errc;
using kwire::gzip_codec;
using kwire::libdeflate_codec;
using namespace kwire::test;

namespace {

byte_vector joined(const byte_vector& a, const byte_vector& b) {
    byte_vector both = a;
    both.insert(both.end(), b.begin(), b.end());
    return both;
}

byte_vector with_claim(byte_vector member, std::uint32_t size) {
    for (std::size_t i = 0; i != 4; ++i)
        member[member.size() - 4 + i] = static_cast<std::byte>(size >> 8 * i & 0xff);
    return member;
}

/// Reads the same bytes with both codecs, strictly and as Kafka: content and errors are the same. If `plain`
/// is given, libdeflate may also read what zlib refuses, but only as that.
class both_codecs {
public:
    void read_the_same(std::span<const std::byte> compressed, std::size_t cap,
                       const byte_vector* plain = nullptr) {
        const exact_bytes exact(compressed);
        for (const auto& options : {kwire::decompress_options{}, kwire::decompress_options::as_kafka()}) {
            CAPTURE(options.trailing_bytes, cap);
            const auto a = zlib.decompress(exact.span(), cap, 2, options);
            const auto b = libdeflate.decompress(exact.span(), cap, 2, options);
            if (!a && b && plain != nullptr) {
                REQUIRE(a.error() == errc::bad_compressed_data);
                REQUIRE(std::ranges::equal(b->span(), *plain));
                ++reserved;
                continue;
            }
            REQUIRE(a.has_value() == b.has_value());
            if (a) {
                REQUIRE(std::ranges::equal(a->span(), b->span()));
                ++accepted;
            } else {
                REQUIRE(a.error().code == b.error().code);
                REQUIRE(a.error().offset == b.error().offset);
                REQUIRE(a.error().needed == b.error().needed);
                REQUIRE(a.error().left == b.error().left);
                ++refused;
            }
        }
    }

    gzip_codec zlib;
    libdeflate_codec libdeflate;
    std::size_t accepted = 0, refused = 0, reserved = 0;
};

} // namespace

TEST_CASE("libdeflate restores what it compressed") {
    libdeflate_codec gzip;
    keeps_what_was_compressed(gzip, {32768, 65536});
}

TEST_CASE("libdeflate and zlib read what the other wrote, at every level") {
    for (const auto& plain : {byte_vector(), text_of(20000), noise_of(5000), byte_vector(300000)}) {
        for (int level = -1; level <= 12; ++level) {
            CAPTURE(level, plain.size());
            gzip_codec zlib(std::min(level, 9));
            libdeflate_codec libdeflate(level);
            REQUIRE(bytes_or_fail(zlib.decompress(compressed_by(libdeflate, plain), plain.size())) == plain);
            REQUIRE(bytes_or_fail(libdeflate.decompress(compressed_by(zlib, plain), plain.size())) == plain);
        }
    }
}

TEST_CASE("libdeflate compresses to less at higher levels, and refuses a level that it lacks") {
    const auto plain = text_of(100000);
    const auto size_at = [&](int level) {
        libdeflate_codec gzip(level);
        return compressed_by(gzip, plain).size();
    };
    CHECK(size_at(0) > plain.size());
    CHECK(size_at(1) > size_at(6));
    CHECK(size_at(6) > size_at(12));
    CHECK(size_at(-1) == size_at(libdeflate_codec::default_level));
    for (const int level : {-2, 13, 1000}) {
        libdeflate_codec gzip(level);
        CHECK(gzip.compress(plain).error() == errc::bad_value);
        CHECK(gzip.compress(plain).error() == errc::bad_value);
    }
}

TEST_CASE("libdeflate takes the place of zlib: it is a gzip_codec and the set's codec for gzip") {
    libdeflate_codec gzip;
    kwire::codec_set codecs(gzip);
    CHECK(codecs.find(kwire::compression_type::gzip) == &gzip);
    const gzip_codec& base = gzip;
    CHECK(base.type() == kwire::compression_type::gzip);
}

TEST_CASE("libdeflate reports every proper prefix of a stream as truncated") {
    libdeflate_codec gzip;
    refuses_every_beginning(gzip, compressed_by(gzip, text_of(300)), {errc::truncated});
}

TEST_CASE("libdeflate detects every flipped bit that changes the content") {
    libdeflate_codec gzip;
    const auto plain = text_of(300);
    survives_every_flipped_bit(gzip, compressed_by(gzip, plain), plain, true);
}

TEST_CASE("libdeflate works again after errors") {
    libdeflate_codec gzip;
    starts_afresh_after_errors(gzip);
}

TEST_CASE("libdeflate stops a bomb at the cap, whatever size it claims") {
    libdeflate_codec gzip(12);
    const std::size_t size = std::size_t{64} << 20;
    const auto bomb = compressed_by(gzip, byte_vector(size));
    REQUIRE(bomb.size() < 70000);
    stops_bombs(gzip, bomb);
    for (const std::uint32_t claim : {0u, 5000000u, 0xffffffffu}) stops_bombs(gzip, with_claim(bomb, claim));
    CHECK(gzip.decompress(bomb, size)->size() == size);
}

TEST_CASE("libdeflate takes memory in proportion to its input and to what has come out of it") {
    libdeflate_codec gzip;
    const auto good = compressed_by(gzip, text_of(1000));
    for (const std::uint32_t claim : {0u, 999u, 1001u, 0x7fffffffu, 0xffffffffu}) {
        CAPTURE(claim);
        const auto lying = with_claim(good, claim);
        REQUIRE(refusal_of(gzip, lying, 1 << 20) == errc::bad_compressed_data);
        REQUIRE(memory_taken_by_refused(gzip, lying, std::size_t{1} << 30) < 512 * 1024);
    }
    // 4 MiB come out, although 4 GiB are claimed.
    const auto zeros = compressed_by(gzip, byte_vector(std::size_t{4} << 20));
    const auto taken = memory_taken_by_refused(gzip, with_claim(zeros, 0xffffffffu), std::size_t{5} << 30);
    CHECK(taken <= std::size_t{16} << 20);
}

TEST_CASE("libdeflate allocates the content at its size, once, if it is no more than 32 times the input") {
    if (!support::counts_allocations) return;
    libdeflate_codec gzip;
    const auto plain = text_of(100000);
    const auto compressed = compressed_by(gzip, plain);
    REQUIRE(gzip.decompress(compressed, plain.size()));
    const auto content = gzip.decompress(compressed, plain.size());
    CHECK(support::allocations_of([&] { static_cast<void>(gzip.decompress(compressed, 1 << 20)); }) == 1);
    kwire::unique_buffer out;
    REQUIRE(gzip.decompress_into(out, compressed, 1 << 20));
    CHECK(out.capacity() == plain.size());
}

TEST_CASE("libdeflate reads any bytes as zlib reads them: members, what follows them, optional parts") {
    both_codecs codecs;
    const auto text = compressed_by(codecs.libdeflate, text_of(300));
    const auto other = compressed_by(codecs.zlib, noise_of(50));
    const auto nothing = compressed_by(codecs.libdeflate, byte_vector());
    const auto full = from_hex("1f8b081c0000000000ff"
                               "0300616263"
                               "6e616d6500"
                               "6e6f746500");
    auto optional_parts = full;
    optional_parts.insert(optional_parts.end(), text.begin() + 10, text.end());
    auto wrong_checksum = from_hex("1f8b08020000000000ff"
                                   "0102");
    wrong_checksum.insert(wrong_checksum.end(), text.begin() + 10, text.end());
    codecs.read_the_same(wrong_checksum, 1000);
    CHECK(codecs.refused == 2);
    for (const auto& first : {text, other, nothing, optional_parts})
        for (const auto& second :
             {byte_vector(), text, other, nothing, optional_parts, wrong_checksum, from_hex("00"),
              from_hex("1f"), from_hex("1f8b"), from_hex("1f8b08"), noise_of(40)}) {
            const auto all = joined(first, second);
            for (std::size_t size = 0; size <= all.size(); ++size)
                codecs.read_the_same(std::span(all).first(size), 1000);
            for (const std::size_t cap : {0u, 1u, 49u, 50u, 51u, 299u, 300u, 301u, 349u, 350u, 599u, 600u})
                codecs.read_the_same(all, cap);
        }
    CHECK(codecs.accepted > 500);
    CHECK(codecs.refused > 1000);
}

TEST_CASE("libdeflate reads any bytes as zlib reads them: every byte with every other value") {
    both_codecs codecs;
    for (const int level : {0, 1, 6})
        for (const auto& plain : {byte_vector(), text_of(150), byte_vector(2000)}) {
            libdeflate_codec gzip(level);
            auto bytes = compressed_by(gzip, plain);
            if (bytes.size() > 300) continue; // zeros that are stored
            for (std::size_t at = 0; at != bytes.size(); ++at) {
                const auto kept = bytes[at];
                for (unsigned value = 0; value != 256; ++value) {
                    CAPTURE(level, at, value);
                    bytes[at] = static_cast<std::byte>(value);
                    codecs.read_the_same(bytes, 2000, &plain);
                }
                bytes[at] = kept;
            }
        }
    CHECK(codecs.accepted > 5000); // other times and systems in the header, and the byte as it was
    CHECK(codecs.refused > 100000);
    CHECK(codecs.reserved < 100); // symbols that RFC 1951 reserves, in the place of others
}

TEST_CASE("libdeflate reads any bytes as zlib reads them: noise after a header") {
    both_codecs codecs;
    for (std::size_t size = 0; size != 400; ++size)
        codecs.read_the_same(joined(from_hex("1f8b08000000000000ff"), noise_of(size)), 5000);
    CHECK(codecs.refused == 800);
}

TEST_CASE("libdeflate may take symbols that RFC 1951 reserves, which zlib refuses") {
    // One block with fixed codes: "a", then length symbol 286 with distance 1, then the end.
    const byte_vector letters(259, std::byte{'a'});
    auto member = from_hex("1f8b08000000000000ff"
                           "4b1c0300");
    gzip_codec zlib;
    libdeflate_codec libdeflate;
    const auto whole = compressed_by(zlib, letters);
    member.insert(member.end(), whole.end() - 8, whole.end());
    CHECK(refusal_of(zlib, member, 1000) == errc::bad_compressed_data);
    const auto content = libdeflate.decompress(member, 1000); // release 1.14 accepts it
    if (content)
        CHECK(std::ranges::equal(content->span(), letters));
    else
        CHECK(content.error() == errc::bad_compressed_data);
    // Without a right checksum it is refused.
    member[member.size() - 8] ^= std::byte{1};
    CHECK(refusal_of(libdeflate, member, 1000) == errc::bad_compressed_data);
}
