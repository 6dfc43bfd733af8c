#include <kwire/compression/lz4.hpp>

#include <string>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/codec_laws.hpp"
#include <lz4frame.h>

using kwire::errc;
using kwire::lz4_codec;
using namespace kwire::test;

namespace {

/// The frame that liblz4 itself writes for `plain`.
byte_vector framed_by_library(const byte_vector& plain, const LZ4F_preferences_t& preferences) {
    byte_vector out(LZ4F_compressFrameBound(plain.size(), &preferences));
    const std::size_t size =
        LZ4F_compressFrame(out.data(), out.size(), plain.data(), plain.size(), &preferences);
    REQUIRE_FALSE(LZ4F_isError(size));
    out.resize(size);
    return out;
}

/// The content that liblz4 itself reads from `compressed`, which is `size` bytes long.
byte_vector read_by_library(const byte_vector& compressed, std::size_t size) {
    LZ4F_dctx* context = nullptr;
    REQUIRE_FALSE(LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)));
    byte_vector out(size + 1);
    std::size_t produced = out.size(), consumed = compressed.size();
    const std::size_t status =
        LZ4F_decompress(context, out.data(), &produced, compressed.data(), &consumed, nullptr);
    LZ4F_freeDecompressionContext(context);
    REQUIRE(status == 0);
    REQUIRE(consumed == compressed.size());
    out.resize(produced);
    return out;
}

// What Kafka's own classes wrote for two messages, at offsets 5 and 6, in magic 0 and magic 1.
const auto java_magic_0 =
    "04224d1860401a32000000120001009105000000101fecd70a0f0071016b00000001760c00f007000006"
    "0000000fa50b8f630000ffffffff000000017700000000";
const auto java_magic_1 =
    "04224d1860408235000000160001006318e4e321bc0110007003e8000000016b050013761300001b0050"
    "179586e73f0900000200b003ebffffffff000000017700000000";
const auto java_magic_2 = "04224d186040821100008010000000026b0276000e0006020102770000000000";

constexpr std::size_t checksum_at = 6;

} // namespace

TEST_CASE("lz4 restores what it compressed") {
    lz4_codec lz4;
    keeps_what_was_compressed(lz4, {65536});
}

TEST_CASE("lz4 restores what it compressed at every level") {
    const auto plain = text_of(200000);
    for (int level = 0; level <= 12; ++level) {
        lz4_codec lz4(level);
        const auto compressed = compressed_by(lz4, plain);
        REQUIRE(bytes_or_fail(lz4.decompress(compressed, plain.size())) == plain);
        REQUIRE(read_by_library(compressed, plain.size()) == plain);
    }
}

TEST_CASE("lz4 reads what Java wrote, with the header checksum of each magic") {
    lz4_codec lz4;
    const auto v0 = from_hex(java_magic_0), v1 = from_hex(java_magic_1), v2 = from_hex(java_magic_2);
    REQUIRE(to_hex(bytes_or_fail(lz4.decompress(v0, 1000, 0))) ==
            "0000000000000005000000101fecd70a0000000000016b0000000176"
            "00000000000000060000000fa50b8f630000ffffffff0000000177");
    REQUIRE(to_hex(bytes_or_fail(lz4.decompress(v1, 1000, 1))) ==
            "000000000000000000000018e4e321bc010000000000000003e8000000016b0000000176"
            "000000000000000100000017"
            "9586e73f010000000000000003ebffffffff0000000177");
    REQUIRE(to_hex(bytes_or_fail(lz4.decompress(v2, 1000, 2))) == "10000000026b0276000e00060201027700");
}

TEST_CASE("lz4 accepts the wrong header checksum in magic 0 only, and the correct one too") {
    lz4_codec lz4;
    auto frame = from_hex(java_magic_0);
    REQUIRE(refusal_of(lz4, frame, 1000, 1) == errc::bad_compressed_data);
    REQUIRE(refusal_of(lz4, frame, 1000, 2) == errc::bad_compressed_data);
    frame[checksum_at] = std::byte{0x82};
    for (const std::int8_t magic : {std::int8_t{0}, std::int8_t{1}, std::int8_t{2}})
        REQUIRE(lz4.decompress(frame, 1000, magic));
    frame[checksum_at] = std::byte{0x83};
    for (const std::int8_t magic : {std::int8_t{0}, std::int8_t{1}, std::int8_t{2}})
        REQUIRE(refusal_of(lz4, frame, 1000, magic) == errc::bad_compressed_data);
}

TEST_CASE("lz4 writes the header that Java writes for each magic") {
    lz4_codec lz4;
    const auto plain = text_of(1000);
    for (const std::int8_t magic : {std::int8_t{0}, std::int8_t{1}, std::int8_t{2}}) {
        const auto compressed = compressed_by(lz4, plain, magic);
        REQUIRE(to_hex(std::span(compressed).first(7)) == (magic == 0 ? "04224d1860401a" : "04224d18604082"));
        REQUIRE(bytes_or_fail(lz4.decompress(compressed, 1000, magic)) == plain);
    }
    REQUIRE(to_hex(compressed_by(lz4, from_hex("10000000026b0276000e00060201027700"))) == java_magic_2);
}

TEST_CASE("lz4 writes frames that the library's own reader reads") {
    lz4_codec lz4;
    for (const auto& plain : {text_of(0), text_of(1), text_of(65536), text_of(1 << 20), noise_of(65537)})
        REQUIRE(read_by_library(compressed_by(lz4, plain), plain.size()) == plain);
}

TEST_CASE("lz4 reads frames of every kind: block sizes, linked blocks, checksums, content size") {
    lz4_codec lz4;
    for (const auto& plain : {text_of(1000), text_of(700000), noise_of(300000), byte_vector(9000000)})
        for (const auto block : {LZ4F_max64KB, LZ4F_max256KB, LZ4F_max1MB, LZ4F_max4MB})
            for (int bits = 0; bits < 16; ++bits) {
                LZ4F_preferences_t wanted{};
                wanted.frameInfo.blockSizeID = block;
                wanted.frameInfo.blockMode = bits & 1 ? LZ4F_blockIndependent : LZ4F_blockLinked;
                wanted.frameInfo.blockChecksumFlag =
                    bits & 2 ? LZ4F_blockChecksumEnabled : LZ4F_noBlockChecksum;
                wanted.frameInfo.contentChecksumFlag =
                    bits & 4 ? LZ4F_contentChecksumEnabled : LZ4F_noContentChecksum;
                wanted.frameInfo.contentSize = bits & 8 ? plain.size() : 0;
                auto frame = framed_by_library(plain, wanted);
                const exact_bytes exact(frame);
                REQUIRE(bytes_or_fail(lz4.decompress(exact.span(), plain.size())) == plain);
                REQUIRE(refusal_of(lz4, frame, plain.size() - 1) == errc::decompressed_too_large);
                if (bits & 4) {
                    frame.back() ^= std::byte{1};
                    REQUIRE(refusal_of(lz4, frame, plain.size()) == errc::bad_compressed_data);
                }
            }
}

TEST_CASE("lz4 reports every proper prefix of a frame as truncated") {
    lz4_codec lz4;
    refuses_every_beginning(lz4, compressed_by(lz4, text_of(300)), {errc::truncated});
    refuses_every_beginning(lz4, compressed_by(lz4, noise_of(70000)), {errc::truncated});
}

TEST_CASE("lz4 handles every flipped bit safely, and detects them if checksums protect the content") {
    lz4_codec lz4;
    const auto plain = text_of(300);
    survives_every_flipped_bit(lz4, compressed_by(lz4, plain), plain, false);
    LZ4F_preferences_t guarded{};
    guarded.frameInfo.blockChecksumFlag = LZ4F_blockChecksumEnabled;
    guarded.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
    survives_every_flipped_bit(lz4, framed_by_library(plain, guarded), plain, true);
}

TEST_CASE("lz4 refuses a content size that is not the size of the content") {
    lz4_codec lz4;
    const auto plain = text_of(1000);
    LZ4F_preferences_t sized{};
    sized.frameInfo.contentSize = plain.size();
    const auto good = framed_by_library(plain, sized);
    for (const std::uint64_t claim : {std::uint64_t{0}, std::uint64_t{999}, std::uint64_t{1001},
                                      std::uint64_t{1} << 31, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
        auto lying = good;
        for (std::size_t i = 0; i != 8; ++i) lying[6 + i] = static_cast<std::byte>(claim >> 8 * i & 0xff);
        lying[14] = kwire::detail::lz4_header_checksum(std::span(lying).subspan(4, 10));
        const auto code = refusal_of(lz4, lying, 100000);
        REQUIRE(code == (claim > 100000 ? errc::decompressed_too_large : errc::bad_compressed_data));
        const auto uncapped = lz4.decompress(lying, ~std::size_t{0});
        REQUIRE(uncapped.error() == errc::bad_compressed_data);
    }
}

TEST_CASE("lz4 refuses dictionaries, reserved bits, other versions and bytes after the frame") {
    lz4_codec lz4;
    const auto good = compressed_by(lz4, text_of(100));
    const auto with_header = [&](std::string_view flags_and_block) {
        auto changed = good;
        const auto two = from_hex(flags_and_block);
        changed[4] = two[0], changed[5] = two[1];
        changed[6] = kwire::detail::lz4_header_checksum(two);
        return changed;
    };
    REQUIRE(lz4.decompress(with_header("6040"), 1000));
    REQUIRE(refusal_of(lz4, with_header("6140"), 1000) == errc::dictionary_needed);
    for (const char* header : {"6240", "2040", "a040", "e040", "60c0", "6041", "6030", "6000"})
        REQUIRE(refusal_of(lz4, with_header(header), 1000) == errc::bad_compressed_data);
    for (const char* more : {"00", "00000000", "04224d18"}) {
        auto longer = good;
        for (const auto b : from_hex(more)) longer.push_back(b);
        REQUIRE(refusal_of(lz4, longer, 1000) == errc::trailing_bytes);
    }
    REQUIRE(refusal_of(lz4, {}, 1000) == errc::truncated);
    REQUIRE(refusal_of(lz4, noise_of(1000), 1000) == errc::bad_compressed_data);
}

TEST_CASE("lz4 refuses blocks larger than the header allows") {
    lz4_codec lz4;
    byte_vector frame = from_hex("04224d18604082"
                                 "01000180"); // stored, 65537 bytes
    frame.resize(frame.size() + 65537 + 4);
    REQUIRE(refusal_of(lz4, frame, 1 << 20) == errc::bad_compressed_data);
    // A block that would yield more than 64 KiB: one literal, then a match of length 65700.
    frame = from_hex("04224d18604082");
    byte_vector block = from_hex("1f610100");
    block.resize(block.size() + 257, std::byte{0xff});
    block.push_back(std::byte{0x80});
    for (const auto b : from_hex("506161616161")) block.push_back(b);
    for (std::size_t i = 0; i != 4; ++i)
        frame.push_back(static_cast<std::byte>(block.size() >> 8 * i & 0xff));
    frame.insert(frame.end(), block.begin(), block.end());
    frame.resize(frame.size() + 4);
    REQUIRE(refusal_of(lz4, frame, 1 << 20) == errc::bad_compressed_data);
}

TEST_CASE("lz4 refuses a match in an independent block that refers to the block before") {
    lz4_codec lz4;
    // A stored block "abcdefgh", then a match of 4 at distance 8 and five literals.
    const std::string blocks = "080000806162636465666768"
                               "09000000"
                               "000800"
                               "506161616161"
                               "00000000";
    for (const auto& [flags, checksum] : {std::pair{"60", "82"}, std::pair{"40", "c0"}}) {
        const auto frame = from_hex("04224d18" + std::string(flags) + "40" + checksum + blocks);
        const auto result = lz4.decompress(frame, 100);
        REQUIRE(result.has_value() == (std::string(flags) == "40"));
        if (result)
            REQUIRE(to_hex(result->span()) == "6162636465666768"
                                              "61626364"
                                              "6161616161");
    }
}

TEST_CASE("lz4 works again after errors") {
    for (const int level : {1, 9}) {
        lz4_codec lz4(level);
        starts_afresh_after_errors(lz4);
    }
}

TEST_CASE("lz4 stops a bomb at the cap") {
    lz4_codec lz4(9);
    const auto bomb = compressed_by(lz4, byte_vector(std::size_t{64} << 20));
    REQUIRE(bomb.size() < 300000);
    stops_bombs(lz4, bomb);
    LZ4F_preferences_t linked{};
    linked.frameInfo.blockSizeID = LZ4F_max4MB;
    stops_bombs(lz4, framed_by_library(byte_vector(std::size_t{64} << 20), linked));
}

TEST_CASE("lz4 as Kafka reads it: the checksum and the size of the content are not compared") {
    constexpr auto as_kafka = kwire::decompress_options::as_kafka();
    lz4_codec lz4;
    // Written by Java and read by Kafka 4.4.0.
    const auto plain = kwire::bytes_of_text("hello hello hello hello hello hello hello hello 0123456789");
    const byte_vector expected(plain.begin(), plain.end());
    const std::string block = "150000006f68656c6c6f20060017a030313233343536373839";
    const std::string end = "00000000", frame = "04224d18";
    const auto read = [&](const std::string& hex, std::int8_t record_magic = 2) {
        return bytes_or_fail(lz4.decompress(exact_bytes(from_hex(hex)).span(), 1000, record_magic, as_kafka));
    };
    const auto strict = [&](const std::string& hex, std::int8_t record_magic = 2) {
        return lz4.decompress(exact_bytes(from_hex(hex)).span(), 1000, record_magic).has_value();
    };
    const auto fails = [&](const std::string& hex) {
        return !lz4.decompress(exact_bytes(from_hex(hex)).span(), 1000, 2, as_kafka);
    };
    CHECK(read(frame + "604082" + block + end) == expected);
    // Bytes after the frame, another frame among them.
    for (const std::string& rest :
         {std::string("00"), std::string(60, '0'), frame + "604082" + block + end}) {
        CHECK(read(frame + "604082" + block + end + rest) == expected);
        CHECK_FALSE(strict(frame + "604082" + block + end + rest));
    }
    // The checksum of the content: right, wrong, wrong with bytes after it, missing.
    CHECK(strict(frame + "6440a7" + block + end + "7df0033f"));
    CHECK(read(frame + "6440a7" + block + end + "7cf0033f") == expected);
    CHECK(read(frame + "6440a7" + block + end + "7cf0033f00") == expected);
    CHECK_FALSE(strict(frame + "6440a7" + block + end + "7cf0033f"));
    CHECK(fails(frame + "6440a7" + block + end));
    CHECK(fails(frame + "6440a7" + block + end + "7df0"));
    // The size of the content: right, and three wrong ones.
    CHECK(strict(frame + "68403a000000000000002d" + block + end));
    for (const std::string size : {"000000000000000005", "01000000000000002c", "c800000000000000d4"}) {
        CHECK(read(frame + "6840" + size + block + end) == expected);
        CHECK_FALSE(strict(frame + "6840" + size + block + end));
    }
    // The checksum of a block is compared.
    CHECK(read(frame + "7040ad" + block + "284917dd" + end) == expected);
    CHECK(fails(frame + "7040ad" + block + "294917dd" + end));
    // The checksum of the header, in magic 0 only.
    CHECK(read(frame + "604011" + block + end, 0) == expected);
    CHECK_FALSE(strict(frame + "604011" + block + end, 0));
    CHECK(strict(frame + "60401a" + block + end, 0));
    CHECK(fails(frame + "604011" + block + end));
    CHECK(fails(frame + "604082" + block));
    CHECK(fails(frame + "604082" + block + "0000"));
}

TEST_CASE("lz4 compares the checksum of each block, even if that of the content is not there") {
    lz4_codec lz4;
    LZ4F_preferences_t preferences{};
    preferences.frameInfo.blockChecksumFlag = LZ4F_blockChecksumEnabled;
    preferences.frameInfo.blockSizeID = LZ4F_max64KB;
    auto frame = framed_by_library(noise_of(100000), preferences);
    REQUIRE(lz4.decompress(frame, 100000));
    for (const std::size_t at : {std::size_t{100}, std::size_t{80000}}) { // in stored blocks
        frame[at] ^= std::byte{1};
        const auto refused = lz4.decompress(frame, 100000);
        REQUIRE(!refused);
        CHECK(refused.error() == errc::bad_compressed_data);
        // At the checksum after the block that is damaged.
        CHECK(refused.error().offset == (at < 65536 ? 7 + 4 + 65536 : frame.size() - 8));
        frame[at] ^= std::byte{1};
    }
}

TEST_CASE("lz4 refuses a block above the size that its frame allows, stored and compressed") {
    lz4_codec lz4;
    const auto frame_of = [](std::size_t size, const std::string& flag) {
        auto bytes = from_hex("04224d18604082");
        for (int i = 0; i != 3; ++i) bytes.push_back(static_cast<std::byte>(size >> 8 * i & 0xff));
        for (const auto b : from_hex(flag)) bytes.push_back(b);
        bytes.resize(bytes.size() + size + 4);
        return bytes;
    };
    CHECK(lz4.decompress(frame_of(65536, "80"), 1 << 20)->size() == 65536);
    for (const char* flag : {"80", "00"}) {
        const auto refused = lz4.decompress(frame_of(65537, flag), 1 << 20);
        REQUIRE(!refused);
        CHECK(refused.error() == errc::bad_compressed_data);
        CHECK(refused.error().offset == 7);
    }
    // A compressed block that yields 65537 bytes: a literal, a match of 65531, five literals.
    std::string hex = "1f"
                      "41"
                      "0100"; // the token: one literal, and a match of 19 or more
    std::size_t left = 65531 - 19;
    for (; left >= 255; left -= 255) hex += "ff";
    hex += to_hex(byte_vector{static_cast<std::byte>(left)}) + "50" + "4242424242";
    const auto block = from_hex(hex);
    auto bytes = from_hex("04224d18604082");
    for (int i = 0; i != 4; ++i) bytes.push_back(static_cast<std::byte>(block.size() >> 8 * i & 0xff));
    bytes.insert(bytes.end(), block.begin(), block.end());
    bytes.resize(bytes.size() + 4);
    CHECK(refusal_of(lz4, bytes, 1 << 20) == errc::bad_compressed_data);
    bytes[5] = std::byte{0x50}; // blocks of 256 KiB
    bytes[6] = std::byte{0xfb};
    CHECK(lz4.decompress(bytes, 1 << 20)->size() == 65537);
}

TEST_CASE("lz4 accepts a block that ends in a match whatever room there is for it") {
    lz4_codec lz4;
    // One literal and a match of 30 bytes, which no encoder writes: the last five bytes must be literals.
    const auto frame = from_hex("04224d18604082"
                                "05000000"
                                "1f41"
                                "0100"
                                "0b"
                                "00000000");
    const auto roomy = lz4.decompress(frame, 1 << 20);
    const bool accepted = roomy.has_value();
    for (std::size_t cap = 31; cap != 120; ++cap) {
        CAPTURE(cap);
        CHECK(lz4.decompress(frame, cap).has_value() == accepted);
        kwire::unique_buffer out = kwire::unique_buffer::with_capacity(cap);
        CHECK(lz4.decompress_into(out, frame, 1 << 20).has_value() == accepted);
    }
    if (accepted) {
        CHECK(roomy->size() == 31);
        CHECK(refusal_of(lz4, frame, 30) == errc::decompressed_too_large);
    }
}

TEST_CASE("lz4 names the place where a frame is wrong or ends, and what is missing") {
    lz4_codec lz4;
    struct row {
        std::string hex;
        errc code;
        std::uint64_t offset, needed, left;
    };
    const std::string magic = "04224d18", stored = "03000080616263", end = "00000000";
    const row rows[] = {
        {"04224d186040", errc::truncated, 0, 7, 6},
        {"04224d19604082", errc::bad_compressed_data, 0, 0, 0},
        {magic + "a0400f" + stored + end, errc::bad_compressed_data, 4, 0, 0},
        {magic + "6240f0" + stored + end, errc::bad_compressed_data, 4, 0, 0},
        {magic + "6140a1" + stored + end, errc::dictionary_needed, 4, 0, 0},
        {magic + "6030d4" + stored + end, errc::bad_compressed_data, 5, 0, 0},
        {magic + "6041bd" + stored + end, errc::bad_compressed_data, 5, 0, 0},
        {magic + "604011" + stored + end, errc::bad_compressed_data, 6, 0, 0},
        {magic + "68403a00", errc::truncated, 0, 15, 8},
        {magic + "604082" + "030000", errc::truncated, 7, 4, 3},
        {magic + "604082" + "030000806162", errc::truncated, 11, 3, 2},
        {magic + "604082" + stored, errc::truncated, 14, 4, 0},
        {magic + "6440a7" + stored + end + "0000", errc::truncated, 18, 4, 2},
        {magic + "6440a7" + stored + end + "00000000", errc::bad_compressed_data, 18, 0, 0},
        {magic + "604082" + stored + end + "00", errc::trailing_bytes, 18, 0, 0},
        {magic + "604082" + "02000000ffff" + end, errc::bad_compressed_data, 11, 0, 0},
    };
    for (const row& r : rows) {
        CAPTURE(r.hex);
        const auto refused = lz4.decompress(from_hex(r.hex), 100);
        REQUIRE(!refused);
        CHECK(name_of(refused.error().code) == name_of(r.code));
        CHECK(refused.error().offset == r.offset);
        CHECK(refused.error().needed == r.needed);
        CHECK(refused.error().left == r.left);
    }
}
