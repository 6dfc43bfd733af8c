#include <kwire/compression/zstd.hpp>

#include <string>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/codec_laws.hpp"
#include "support/count_allocations.hpp"
#include <malloc.h>

using kwire::errc;
using kwire::zstd_codec;
using namespace kwire::test;

namespace {

struct frame_kind {
    int level = 3;
    bool sized = true;
    bool checksum = false;
    int window_log = 0; ///< 0: the default of the level
    int pieces = 1;     ///< with a flush after each
};

/// A frame of the library's streaming writer, as Java writes them without a known size.
byte_vector framed_by_library(const byte_vector& plain, const frame_kind& kind) {
    ZSTD_CCtx* context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, kind.level);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, kind.checksum);
    if (kind.window_log != 0) ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, kind.window_log);
    if (kind.sized) ZSTD_CCtx_setPledgedSrcSize(context, plain.size());
    byte_vector out(ZSTD_compressBound(plain.size()) + 1000);
    ZSTD_outBuffer target{.dst = out.data(), .size = out.size(), .pos = 0};
    const std::size_t piece = plain.size() / static_cast<std::size_t>(kind.pieces) + 1;
    for (std::size_t at = 0; at < plain.size(); at += piece) {
        ZSTD_inBuffer source{.src = plain.data() + at, .size = std::min(piece, plain.size() - at), .pos = 0};
        REQUIRE(ZSTD_compressStream2(context, &target, &source, ZSTD_e_flush) == 0);
    }
    ZSTD_inBuffer nothing{};
    REQUIRE(ZSTD_compressStream2(context, &target, &nothing, ZSTD_e_end) == 0);
    ZSTD_freeCCtx(context);
    out.resize(target.pos);
    return out;
}

byte_vector operator+(byte_vector a, const byte_vector& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

const std::string magic = "28b52ffd";

} // namespace

TEST_CASE("zstd restores what it compressed") {
    zstd_codec zstd;
    keeps_what_was_compressed(zstd, {131072, 256 * 1024});
}

TEST_CASE("zstd restores what it compressed at levels from the fastest to the smallest") {
    const auto plain = text_of(200000);
    for (const int level : {-131072, -5, -1, 0, 1, 3, 9, 19, 22}) {
        zstd_codec zstd(level);
        REQUIRE(bytes_or_fail(zstd.decompress(compressed_by(zstd, plain), plain.size())) == plain);
    }
}

TEST_CASE("zstd reads frames with and without content size, checksum and flushes") {
    zstd_codec zstd;
    for (const auto& plain :
         {text_of(0), text_of(100), text_of(500000), noise_of(300000), byte_vector(9000000)})
        for (const bool sized : {false, true})
            for (const bool checksum : {false, true})
                for (const int pieces : {1, 7}) {
                    auto frame =
                        framed_by_library(plain, {.sized = sized, .checksum = checksum, .pieces = pieces});
                    const exact_bytes exact(frame);
                    REQUIRE(bytes_or_fail(zstd.decompress(exact.span(), plain.size())) == plain);
                    if (!plain.empty())
                        REQUIRE(refusal_of(zstd, frame, plain.size() - 1) == errc::decompressed_too_large);
                    if (checksum) {
                        frame.back() ^= std::byte{1};
                        REQUIRE(refusal_of(zstd, frame, plain.size()) == errc::bad_compressed_data);
                    }
                }
}

TEST_CASE(
    "zstd reads successive frames with skippable ones between them, and the cap applies to all together") {
    zstd_codec zstd;
    const auto a = text_of(5000), b = noise_of(70), c = byte_vector(3 << 20);
    const auto skippable = from_hex("502a4d18"
                                    "03000000"
                                    "aabbcc"),
               last_skippable = from_hex("5f2a4d18"
                                         "00000000");
    const auto all = skippable + framed_by_library(a, {}) + skippable +
                     framed_by_library(b, {.sized = false}) + framed_by_library(c, {.sized = false}) +
                     last_skippable;
    REQUIRE(bytes_or_fail(zstd.decompress(all, 5070 + (3 << 20))) == a + b + c);
    REQUIRE(refusal_of(zstd, all, 5069 + (3 << 20)) == errc::decompressed_too_large);
    REQUIRE(refusal_of(zstd, all, 4999) == errc::decompressed_too_large);
}

TEST_CASE("zstd refuses bytes after a frame that do not begin another, and input of skippable frames only") {
    zstd_codec zstd;
    const auto good = framed_by_library(text_of(100), {});
    for (const char* garbage : {"00", "000000000000", "28b52f", "ffffffffffff", "1e b5 2f fd"})
        REQUIRE(refusal_of(zstd, good + from_hex(garbage), 1000) == errc::trailing_bytes);
    REQUIRE(refusal_of(zstd, good + from_hex("28b52ffd"), 1000) == errc::truncated);
    REQUIRE(refusal_of(zstd,
                       from_hex("502a4d18"
                                "03000000"
                                "aabbcc"),
                       1000) == errc::truncated);
    REQUIRE(refusal_of(zstd,
                       from_hex("502a4d18"
                                "ffffffff"
                                "aabbcc"),
                       1000) == errc::truncated);
    REQUIRE(refusal_of(zstd, {}, 1000) == errc::truncated);
    REQUIRE(refusal_of(zstd, noise_of(1000), 1000) == errc::bad_compressed_data);
}

TEST_CASE("zstd reports every proper prefix of a frame as truncated") {
    zstd_codec zstd;
    for (const bool sized : {false, true})
        refuses_every_beginning(zstd, framed_by_library(text_of(300), {.sized = sized, .checksum = true}),
                                {errc::truncated});
    refuses_every_beginning(zstd, framed_by_library(text_of(300000), {.pieces = 3}), {errc::truncated});
}

TEST_CASE("zstd handles every flipped bit safely, and detects them if a checksum protects the content") {
    zstd_codec zstd;
    const auto plain = text_of(300);
    for (const bool sized : {false, true})
        for (const bool checksum : {false, true}) {
            const auto frame = framed_by_library(plain, {.sized = sized, .checksum = checksum});
            // The checksum does not protect the bit that announces it, nor the bits of the window.
            survives_every_flipped_bit(zstd, frame, plain, false);
            if (!checksum) continue;
            for (std::size_t bit = 8 * 6; bit < frame.size() * 8; ++bit) {
                auto changed = frame;
                changed[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
                const auto result = zstd.decompress(changed, 1000);
                if (result) REQUIRE(bytes_or_fail(result) == plain);
            }
        }
}

TEST_CASE(
    "zstd refuses a content size that is not the size of the content, before it allocates memory for it") {
    zstd_codec zstd;
    // Single segment, eight bytes of size, one stored block "abc".
    const auto claiming = [](const std::string& size) {
        return from_hex(magic + "e0" + size +
                        "190000"
                        "616263");
    };
    REQUIRE(to_hex(bytes_or_fail(zstd.decompress(claiming("0300000000000000"), 3))) == "616263");
    for (const char* size : {"0000000000000080", "ffffffffffffffff", "0000000001000000"}) {
        REQUIRE(refusal_of(zstd, claiming(size), 1000) == errc::decompressed_too_large);
        const auto uncapped = zstd.decompress(claiming(size), ~std::size_t{0});
        REQUIRE(uncapped.error() == errc::bad_compressed_data);
    }
    for (const char* size : {"0400000000000000", "0200000000000000", "0000000000000000"})
        REQUIRE(refusal_of(zstd, claiming(size), 1000) == errc::bad_compressed_data);
    // A compressed block could hold more, so the library has to decide.
    const auto good = framed_by_library(text_of(300), {});
    REQUIRE(to_hex(std::span(good).first(5)) == magic + "60"); // size minus 256 in two bytes
    for (const unsigned delta : {1u, 255u}) {
        auto lying = good;
        lying[5] = static_cast<std::byte>(std::to_integer<unsigned>(lying[5]) + delta);
        REQUIRE(refusal_of(zstd, lying, 1000) == errc::bad_compressed_data);
    }
}

TEST_CASE("zstd refuses windows above the limit, and reads them up to it") {
    zstd_codec zstd, narrow(3, 23);
    const auto plain = text_of(100000);
    for (int log = 10; log <= 27; ++log) {
        const auto frame = framed_by_library(plain, {.sized = false, .window_log = log});
        CAPTURE(log);
        REQUIRE(bytes_or_fail(zstd.decompress(frame, plain.size())) == plain);
        if (log <= 23) {
            REQUIRE(bytes_or_fail(narrow.decompress(frame, plain.size())) == plain);
            continue;
        }
        const auto refused = narrow.decompress(frame, plain.size());
        REQUIRE(!refused);
        REQUIRE(refused.error() == errc::too_large);
        REQUIRE(refused.error().needed == std::uint64_t{1} << log);
        REQUIRE(refused.error().left == std::uint64_t{1} << 23);
    }
    // Ten bytes and a window of 2^28 to 2^41: refused before anything is allocated for it.
    for (const char* window : {"90", "a8", "f8", "ff"}) {
        const auto frame = from_hex(magic + "00" + window + "010000");
        REQUIRE(refusal_of(zstd, frame, 1000) == errc::too_large);
        REQUIRE(refusal_of(narrow, frame, 1000) == errc::too_large);
    }
}

TEST_CASE("zstd reads what Kafka's producer writes at levels 20 to 22, and allocates no window for it") {
    if (!support::counts_allocations) return;
    // The records of a batch of one record of 40 bytes, level 20: a window of 2^25 and no size.
    const auto frame =
        from_hex("28b52ffd00781c010012c3070bd0e76b4929b185289c7212d0b93e595e6eaf5b5bf63ecbfd36472a00800200"
                 "010000");
    zstd_codec zstd;
    REQUIRE(zstd.decompress(frame, 1 << 20)); // its state is allocated now
    for (const char* window : {"78", "80", "88"}) {
        CAPTURE(window);
        const auto other = from_hex(magic + "00" + window + to_hex(std::span(frame).subspan(6)));
        support::largest_allocation = 0;
        const std::size_t heap = mallinfo2().hblkhd + mallinfo2().uordblks;
        const auto plain = zstd.decompress(other, 1 << 20);
        REQUIRE(plain);
        CHECK(plain->size() > 40);
        CHECK(support::largest_allocation <= std::size_t{160} << 10);
        CHECK(mallinfo2().hblkhd + mallinfo2().uordblks - heap <= std::size_t{160} << 10);
    }
}

TEST_CASE("zstd takes memory in proportion to what a frame decompresses to, and never above the cap") {
    if (!support::counts_allocations) return;
    zstd_codec zstd;
    for (const std::size_t size : {std::size_t{1} << 20, std::size_t{5} << 20, std::size_t{20} << 20}) {
        const auto frame = framed_by_library(byte_vector(size), {.sized = false, .window_log = 27});
        for (const std::size_t cap : {size, 4 * size, ~std::size_t{0}}) {
            support::largest_allocation = 0;
            REQUIRE(zstd.decompress(frame, cap)->size() == size);
            CHECK(support::largest_allocation <= 4 * size + 1000);
            if (cap == size) CHECK(support::largest_allocation <= cap + 1000);
        }
        support::largest_allocation = 0;
        REQUIRE(zstd.decompress(frame, size - 1).error() == errc::decompressed_too_large);
        CHECK(support::largest_allocation <= size + 1000);
    }
}

TEST_CASE("zstd reads in a few calls what compressed too well for one allocation") {
    zstd_codec zstd, narrow(3, 10);
    const byte_vector zeros(std::size_t{20} << 20);
    const auto frame = framed_by_library(zeros, {.sized = false});
    REQUIRE(frame.size() < 3000);
    REQUIRE(bytes_or_fail(zstd.decompress(frame, zeros.size())) == zeros);
    REQUIRE(refusal_of(zstd, frame, zeros.size() - 1) == errc::decompressed_too_large);
    REQUIRE(refusal_of(narrow, frame, zeros.size()) == errc::too_large);
}

TEST_CASE("zstd refuses dictionaries, reserved bits and block types, and blocks above their limit") {
    zstd_codec zstd;
    const std::string block = "190000"
                              "616263";
    REQUIRE(to_hex(bytes_or_fail(zstd.decompress(from_hex(magic + "0000" + block), 3))) == "616263");
    REQUIRE(to_hex(bytes_or_fail(zstd.decompress(from_hex(magic + "010000" + block), 3))) == "616263");
    REQUIRE(refusal_of(zstd, from_hex(magic + "010007" + block), 3) == errc::dictionary_needed);
    REQUIRE(refusal_of(zstd,
                       from_hex(magic +
                                "03000000"
                                "0001" +
                                block),
                       3) == errc::dictionary_needed);
    REQUIRE(refusal_of(zstd, from_hex(magic + "0800" + block), 3) == errc::bad_compressed_data);
    REQUIRE(refusal_of(zstd,
                       from_hex(magic + "0000"
                                        "1f0000"
                                        "616263"),
                       3) == errc::bad_compressed_data);
    // With a window of 1 KiB a block may hold a byte repeated 1024 times at most.
    REQUIRE(bytes_or_fail(zstd.decompress(from_hex(magic + "0000"
                                                           "032000"
                                                           "61"),
                                          1024))
                .size() == 1024);
    REQUIRE(refusal_of(zstd,
                       from_hex(magic + "0000"
                                        "0b2000"
                                        "61"),
                       2000) == errc::bad_compressed_data);
}

TEST_CASE("zstd works again after errors") {
    zstd_codec zstd;
    starts_afresh_after_errors(zstd);
}

TEST_CASE("zstd stops bombs at the cap, with and without a stated size") {
    zstd_codec zstd;
    const byte_vector zeros(std::size_t{64} << 20);
    stops_bombs(zstd, framed_by_library(zeros, {.level = 1}));
    stops_bombs(zstd, framed_by_library(zeros, {.level = 1, .sized = false}));
    // Four bytes for each 128 KiB, 2 GiB in all.
    byte_vector repeated = from_hex(magic + "0038");
    for (int i = 0; i < 16384; ++i)
        repeated = std::move(repeated) + from_hex("020010"
                                                  "00");
    stops_bombs(zstd, std::move(repeated) + from_hex("010000"));
}

TEST_CASE("zstd reads a hundred thousand empty blocks") {
    zstd_codec zstd;
    byte_vector empty = from_hex(magic + "0038");
    empty.resize(empty.size() + 300000);
    REQUIRE(bytes_or_fail(zstd.decompress(std::move(empty) + from_hex("010000"), 10)).empty());
}

TEST_CASE("zstd as Kafka reads it: a later frame that is cut short is ignored") {
    constexpr auto as_kafka = kwire::decompress_options::as_kafka();
    zstd_codec zstd;
    const auto plain = text_of(60);
    const auto good = framed_by_library(plain, {.sized = false});
    const auto read = [&](const byte_vector& input) {
        return zstd.decompress(exact_bytes(input).span(), 1000, 2, as_kafka);
    };
    for (std::size_t n = 1; n != good.size(); ++n) {
        CAPTURE(n);
        const auto input = good + byte_vector(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n));
        CHECK(bytes_or_fail(read(input)) == plain);
        CHECK_FALSE(zstd.decompress(input, 1000));
        CHECK_FALSE(read(byte_vector(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n))));
    }
    CHECK(bytes_or_fail(read(good + good)) == byte_vector(plain) + plain);
    CHECK(bytes_or_fail(read(good + from_hex("502a4d1802000000aa"))) == plain);
    CHECK_FALSE(read(good + from_hex("00000000")));
    CHECK_FALSE(read(good + good + byte_vector(9)));
}

TEST_CASE("zstd names the place where a frame is wrong or ends, and what is missing") {
    zstd_codec zstd;
    struct row {
        std::string hex;
        errc code;
        std::uint64_t offset, needed, left;
    };
    const std::string block = "190000616263";
    const row rows[] = {
        {"28b52f", errc::truncated, 0, 4, 3},
        {"28b52ffe00", errc::bad_compressed_data, 0, 0, 0},
        {magic, errc::truncated, 4, 1, 0},
        {magic + "00", errc::truncated, 5, 1, 0},
        {magic + "e003", errc::truncated, 5, 8, 1},
        {magic + "0800" + block, errc::bad_compressed_data, 4, 0, 0},
        {magic + "010007" + block, errc::dictionary_needed, 6, 0, 0},
        {magic + "0000" + "1f0000", errc::bad_compressed_data, 6, 0, 0},
        {magic + "0000" + "1900", errc::truncated, 6, 3, 2},
        {magic + "0000" + "190000" + "6162", errc::truncated, 9, 3, 2},
        {magic + "0400" + block + "aabb", errc::truncated, 12, 4, 2},
        {magic + "0400" + block + "aabbccdd", errc::bad_compressed_data, 0, 0, 0},
        {magic + "0000" + block + "00", errc::trailing_bytes, 12, 0, 0},
        {magic + "0000" + block + "502a4d1802000000aa", errc::truncated, 20, 2, 1},
    };
    for (const row& r : rows) {
        CAPTURE(r.hex);
        const auto refused = zstd.decompress(from_hex(r.hex), 100);
        REQUIRE(!refused);
        CHECK(name_of(refused.error().code) == name_of(r.code));
        CHECK(refused.error().offset == r.offset);
        CHECK(refused.error().needed == r.needed);
        CHECK(refused.error().left == r.left);
    }
}
