#include <kwire/compression/codec.hpp>

#include <algorithm>
#include <string>
#include <type_traits>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/codec_laws.hpp"

using kwire::capped_output;
using kwire::compression_type;
using kwire::errc;
using kwire::unique_buffer;
using namespace kwire::test;

namespace {

/// A codec as a user might define one: pairs of a count and a byte.
class run_lengths final : public kwire::codec {
public:
    explicit run_lengths(compression_type type) : type_(type) {}
    compression_type type() const noexcept override { return type_; }

protected:
    kwire::expected<void, kwire::error> do_decompress(std::span<const std::byte> compressed,
                                                      capped_output& out, std::int8_t magic,
                                                      const kwire::decompress_options&) override {
        if (magic != 2) return kwire::unexpected{kwire::error{.code = errc::unsupported_compression}};
        for (std::size_t at = 0; at < compressed.size(); at += 2) {
            if (compressed.size() - at < 2)
                return kwire::unexpected{
                    kwire::error{.code = errc::truncated, .offset = at, .needed = 2, .left = 1}};
            const auto count = std::to_integer<std::size_t>(compressed[at]);
            const auto room = out.room(count);
            if (room.size() < count) return kwire::unexpected{out.too_large(at)};
            std::fill_n(room.begin(), count, compressed[at + 1]);
            out.commit(count);
        }
        return {};
    }
    kwire::expected<void, kwire::error> do_compress(std::span<const std::byte> plain, unique_buffer& out,
                                                    std::int8_t magic) override {
        while (!plain.empty()) {
            std::size_t n = 1;
            while (n < plain.size() && n < 255 && plain[n] == plain[0]) ++n;
            const std::byte pair[2]{static_cast<std::byte>(n), plain[0]};
            out.append(pair);
            plain = plain.subspan(n);
        }
        if (magic != 2) return kwire::unexpected{kwire::error{.code = errc::unsupported_compression}};
        return {};
    }

private:
    compression_type type_;
};

} // namespace

TEST_CASE("a user's codec works like those of kwire") {
    run_lengths runs(compression_type::zstd);
    keeps_what_was_compressed(runs, {255, 510});
    starts_afresh_after_errors(runs);
    byte_vector bomb;
    for (int i = 0; i < 100000; ++i)
        for (const auto b : from_hex("ff00")) bomb.push_back(b);
    stops_bombs(runs, bomb);
}

TEST_CASE("a codec gets the magic, and its error is returned unchanged") {
    run_lengths runs(compression_type::lz4);
    REQUIRE(runs.decompress(from_hex("0261"), 10, 1).error() == errc::unsupported_compression);
    const auto cut = runs.decompress(from_hex("026102"), 10);
    REQUIRE(cut.error() == errc::truncated);
    REQUIRE(cut.error().offset == 2);
    REQUIRE(cut.error().needed == 2);
}

TEST_CASE("decompress_into and compress_into append, and after an error the content is as before") {
    run_lengths runs(compression_type::gzip);
    unique_buffer out;
    REQUIRE(runs.decompress_into(out, from_hex("0261"), 10) == 2);
    REQUIRE(runs.decompress_into(out, from_hex("0162"), 1) == 1);
    REQUIRE(to_hex(out.span()) == "616162");
    REQUIRE(runs.decompress_into(out, from_hex("01630264"), 2).error() == errc::decompressed_too_large);
    REQUIRE(runs.decompress_into(out, from_hex("016302"), 10).error() == errc::truncated);
    REQUIRE(to_hex(out.span()) == "616162");
    REQUIRE(runs.compress_into(out, from_hex("6363")) == 2);
    REQUIRE(runs.compress_into(out, from_hex("6363"), 1).error() == errc::unsupported_compression);
    REQUIRE(to_hex(out.span()) == "6161620263");
}

TEST_CASE("decompress_into does not allocate if there is room") {
    run_lengths runs(compression_type::gzip);
    auto out = unique_buffer::with_capacity(600);
    const auto* const memory = out.data();
    for (int i = 0; i < 10; ++i) {
        out.clear();
        REQUIRE(runs.decompress_into(out, from_hex("ff61ff62"), 600) == 510);
        REQUIRE(out.data() == memory);
    }
}

TEST_CASE("a capped output gives room up to the cap and allocates no more") {
    unique_buffer out;
    out.append(from_hex("aabb"));
    capped_output capped(out, 1000);
    REQUIRE(capped.size() == 0);
    REQUIRE(capped.left() == 1000);
    REQUIRE(capped.room(10).size() >= 10);
    capped.commit(10);
    REQUIRE(capped.room(600).size() >= 600);
    capped.commit(600);
    REQUIRE(capped.room(100000).size() == 390);
    REQUIRE(out.capacity() <= 1002);
    capped.commit(390);
    REQUIRE(capped.left() == 0);
    REQUIRE(capped.room(1).empty());
    REQUIRE(capped.written().size() == 1000);
    REQUIRE(to_hex(out.span().first(2)) == "aabb");
    const auto e = capped.too_large(77);
    REQUIRE(e == errc::decompressed_too_large);
    REQUIRE(e.offset == 77);
    REQUIRE(e.needed == 1001);
    REQUIRE(e.left == 1000);
}

TEST_CASE("a capped output respects the cap in a buffer with more room, and can use all of the room without "
          "a cap") {
    auto out = unique_buffer::with_capacity(1000);
    capped_output capped(out, 10);
    REQUIRE(capped.room(5).size() == 10);
    REQUIRE(capped.room(500).size() == 10);

    capped_output unlimited(out, ~std::size_t{0});
    REQUIRE(unlimited.room(1).size() == 1000);
    unlimited.commit(1000);
    REQUIRE(unlimited.room(1).size() >= 1000);
    REQUIRE(unlimited.too_large(0).needed == ~std::size_t{0});
}

TEST_CASE("a capped output doubles, so that many small pieces copy little") {
    unique_buffer out;
    capped_output capped(out, 1 << 20);
    std::size_t moves = 0;
    const std::byte* memory = nullptr;
    for (int i = 0; i < 1 << 20; ++i) {
        const auto room = capped.room(1);
        room[0] = std::byte{1};
        capped.commit(1);
        if (out.data() != memory) ++moves;
        memory = out.data();
    }
    REQUIRE(moves <= 22);
    REQUIRE(out.capacity() == 1 << 20);
}

TEST_CASE("a codec_set finds codecs by type, of two the later one") {
    run_lengths gzip(compression_type::gzip), other_gzip(compression_type::gzip),
        zstd(compression_type::zstd);
    run_lengths odd(static_cast<compression_type>(7)), beyond(static_cast<compression_type>(8)),
        none(compression_type::none);
    kwire::codec_set codecs(gzip, zstd, odd, beyond, none);
    REQUIRE(codecs.find(compression_type::gzip) == &gzip);
    REQUIRE(codecs.find(compression_type::zstd) == &zstd);
    REQUIRE(codecs.find(static_cast<compression_type>(7)) == &odd);
    REQUIRE(codecs.find(compression_type::snappy) == nullptr);
    REQUIRE(codecs.find(compression_type::none) == nullptr);
    REQUIRE(codecs.find(static_cast<compression_type>(8)) == nullptr);
    codecs.add(other_gzip);
    REQUIRE(codecs.find(compression_type::gzip) == &other_gzip);
    REQUIRE(kwire::codec_set().find(compression_type::gzip) == nullptr);
}

TEST_CASE("the first allocation is in proportion to the input, whatever size is claimed") {
    using kwire::detail::first_room;
    static_assert(first_room(0, 0) == 0);
    static_assert(first_room(1000, 10) == 1000);
    static_assert(first_room(std::uint64_t{1} << 63, 10) == 256 * 1024 + 320);
    static_assert(first_room(~std::uint64_t{0}, 1 << 20) == (32u << 20) + 256 * 1024);
    static_assert(first_room(~std::uint64_t{0}, ~std::size_t{0}) == ~std::size_t{0});
    SUCCEED();
}

TEST_CASE("codecs are neither copyable nor movable") {
    static_assert(!std::is_copy_constructible_v<run_lengths> && !std::is_move_constructible_v<run_lengths>);
    SUCCEED();
}
