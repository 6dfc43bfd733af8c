#include <kwire/compression/snappy.hpp>

#include <limits>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/codec_laws.hpp"
#include "support/count_allocations.hpp"

using kwire::errc;
using kwire::snappy_codec;
using kwire::snappy_framing;
using namespace kwire::test;

namespace {

const std::string xerial = "82534e4150505900"
                           "00000001"
                           "00000001";
const std::string abc = "0308616263"; // a block: 3 bytes, a literal of 3

byte_vector in_xerial(const std::string& chunks) { return from_hex(xerial + chunks); }

} // namespace

TEST_CASE("snappy restores what it compressed in xerial frames") {
    snappy_codec snappy;
    keeps_what_was_compressed(snappy, {32768, 65536});
}

TEST_CASE("snappy restores what it compressed in raw blocks") {
    snappy_codec snappy(snappy_framing::raw);
    keeps_what_was_compressed(snappy, {32768, 65536});
}

TEST_CASE("snappy writes the xerial frames of Java, or the raw block of librdkafka") {
    const auto plain = from_hex("616263");
    snappy_codec framed;
    REQUIRE(to_hex(compressed_by(framed, plain)) == xerial + "00000005" + abc);
    REQUIRE(to_hex(compressed_by(framed, {})) == xerial);
    snappy_codec raw(snappy_framing::raw);
    REQUIRE(to_hex(compressed_by(raw, plain)) == abc);
    REQUIRE(to_hex(compressed_by(raw, {})) == "00");
}

TEST_CASE("snappy writes a frame for every 32 KiB") {
    snappy_codec snappy;
    const auto compressed = compressed_by(snappy, noise_of(3 * 32768 + 1));
    std::size_t at = 16, chunks = 0;
    for (; at < compressed.size(); ++chunks) at += 4 + kwire::wire::load_be<std::uint32_t>(&compressed[at]);
    REQUIRE(at == compressed.size());
    REQUIRE(chunks == 4);
}

TEST_CASE("snappy reads both forms, whichever form it writes") {
    const auto plain = text_of(100000);
    snappy_codec framed, raw(snappy_framing::raw);
    REQUIRE(bytes_or_fail(raw.decompress(compressed_by(framed, plain), plain.size())) == plain);
    REQUIRE(bytes_or_fail(framed.decompress(compressed_by(raw, plain), plain.size())) == plain);
}

TEST_CASE("snappy ignores the versions in xerial headers, and headers between frames") {
    snappy_codec snappy;
    for (const char* versions : {"0000000100000001", "0100000001000000", "ffffffffffffffff"}) {
        const auto bytes = from_hex("82534e4150505900" + std::string(versions) + "00000005" + abc);
        REQUIRE(to_hex(bytes_or_fail(snappy.decompress(bytes, 3))) == "616263");
    }
    const auto twice = in_xerial("00000005" + abc + xerial + "00000005" + abc + xerial);
    REQUIRE(to_hex(bytes_or_fail(snappy.decompress(twice, 6))) == "616263616263");
    REQUIRE(refusal_of(snappy, twice, 5) == errc::decompressed_too_large);
}

TEST_CASE("snappy refuses frames whose length is negative, zero, huge or past the end") {
    snappy_codec snappy;
    for (const char* length : {"ffffffff", "80000000", "fffffffb", "7fffffff", "20000001", "00000000"})
        REQUIRE(refusal_of(snappy, in_xerial(length + abc), 1 << 20) == errc::bad_length);
    for (const char* length : {"00000006", "0000ffff", "20000000"})
        REQUIRE(refusal_of(snappy, in_xerial(length + abc), 1 << 20) == errc::truncated);
    // An invalid header in the middle: its first four bytes are a negative length.
    REQUIRE(refusal_of(snappy, in_xerial("00000005" + abc + "82534e41505059010000000100000001"), 1 << 20) ==
            errc::bad_length);
}

TEST_CASE("snappy refuses a claimed size that its bytes cannot hold, before it allocates memory for it") {
    snappy_codec snappy;
    for (const char* block : {"ffffffff0f00", "ffffffff0f", "8080808001", "c10000"}) {
        CAPTURE(block);
        REQUIRE(refusal_of(snappy, from_hex(block), std::numeric_limits<std::size_t>::max() / 4) ==
                errc::bad_compressed_data);
    }
    REQUIRE(refusal_of(snappy,
                       in_xerial("00000006"
                                 "ffffffff0f00"),
                       std::numeric_limits<std::size_t>::max() / 4) == errc::bad_compressed_data);
    // 256 MiB in seven bytes, alone and in a frame.
    for (const auto& lie : {from_hex("80808080010061"), in_xerial("00000007"
                                                                  "80808080010061")})
        REQUIRE(memory_taken_by_refused(snappy, lie, std::size_t{1} << 30) < 4096);
    // A claimed size below the size of the content, and one slightly above it.
    REQUIRE(refusal_of(snappy, from_hex("0208616263"), 100) == errc::bad_compressed_data);
    REQUIRE(refusal_of(snappy, from_hex("0408616263"), 100) == errc::bad_compressed_data);
}

TEST_CASE("snappy refuses every proper prefix of a stream") {
    snappy_codec raw(snappy_framing::raw);
    const auto block = compressed_by(raw, text_of(300));
    refuses_every_beginning(raw, block, {errc::truncated, errc::bad_compressed_data});

    // A stream may end after any frame, because the number of frames is not stated.
    snappy_codec framed;
    auto frames = compressed_by(framed, text_of(300));
    for (std::size_t size = 0; size < frames.size(); ++size) {
        CAPTURE(size);
        const auto cut = std::span(frames).first(size);
        if (size == 16)
            REQUIRE(bytes_or_fail(framed.decompress(cut, 1000)).empty());
        else
            REQUIRE((size >= 8 ? refusal_of(framed, cut, 1000) == errc::truncated
                               : !framed.decompress(cut, 1000)));
    }
}

TEST_CASE("snappy refuses bytes after a raw block") {
    snappy_codec snappy;
    for (const char* more : {"00", "0061", "ff", "04616263"})
        REQUIRE(refusal_of(snappy, from_hex(abc + more), 100) == errc::bad_compressed_data);
}

TEST_CASE("snappy handles every flipped bit safely") {
    const auto plain = text_of(300);
    for (const auto framing : {snappy_framing::xerial, snappy_framing::raw}) {
        snappy_codec snappy(framing);
        survives_every_flipped_bit(snappy, compressed_by(snappy, plain), plain, false);
    }
}

TEST_CASE("snappy works again after errors") {
    for (const auto framing : {snappy_framing::xerial, snappy_framing::raw}) {
        snappy_codec snappy(framing);
        starts_afresh_after_errors(snappy);
    }
}

TEST_CASE("snappy stops bombs at the cap, even if each frame is small") {
    for (const auto framing : {snappy_framing::xerial, snappy_framing::raw}) {
        snappy_codec snappy(framing);
        const auto bomb = compressed_by(snappy, byte_vector(std::size_t{16} << 20));
        REQUIRE(bomb.size() < 900000);
        stops_bombs(snappy, bomb);
    }
}

TEST_CASE("snappy as Kafka reads it: up to three bytes may follow the last block in xerial framing") {
    constexpr auto as_kafka = kwire::decompress_options::as_kafka();
    snappy_codec snappy;
    const auto read = [&](const byte_vector& input) {
        return snappy.decompress(exact_bytes(input).span(), 100, 2, as_kafka);
    };
    for (const char* rest : {"00", "0000", "000000", "ffffff"}) {
        CAPTURE(rest);
        CHECK(to_hex(bytes_or_fail(read(in_xerial("00000005" + abc + rest)))) == "616263");
        CHECK(refusal_of(snappy, in_xerial("00000005" + abc + rest), 100) == errc::truncated);
        CHECK_FALSE(read(from_hex(abc + rest)));
        CHECK(bytes_or_fail(read(in_xerial(rest))).empty());
    }
    CHECK_FALSE(read(in_xerial("00000005" + abc + "00000000")));
    CHECK_FALSE(read(in_xerial("00000005" + abc + "ffffffff")));
    CHECK_FALSE(read({}));
}

TEST_CASE("snappy takes no memory for a size that its input cannot yield") {
    if (!support::counts_allocations) return;
    snappy_codec snappy;
    const auto lying = from_hex("ffffff7f"
                                "08616263"); // 256 MiB from seven bytes
    support::largest_allocation = 0;
    CHECK(snappy.decompress(lying, ~std::size_t{0}).error() == errc::bad_compressed_data);
    const auto framed = in_xerial("00000008"
                                  "ffffff7f"
                                  "08616263");
    CHECK(snappy.decompress(framed, ~std::size_t{0}).error() == errc::bad_compressed_data);
    CHECK(support::largest_allocation <= std::size_t{4} << 10);
}
