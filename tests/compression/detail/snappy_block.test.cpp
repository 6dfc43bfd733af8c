// needs: snappy
#include <kwire/compression/detail/snappy_block.hpp>

#include <algorithm>
#include <optional>
#include <random>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/codec_laws.hpp"
#include <snappy-c.h>

using namespace kwire::test;
namespace detail = kwire::detail;

namespace {

const char* chars(std::span<const std::byte> bytes) { return reinterpret_cast<const char*>(bytes.data()); }

byte_vector block_of(std::span<const std::byte> plain) {
    byte_vector block(snappy_max_compressed_length(plain.size()));
    std::size_t size = block.size();
    REQUIRE(snappy_compress(chars(plain), plain.size(), reinterpret_cast<char*>(block.data()), &size) ==
            SNAPPY_OK);
    block.resize(size);
    return block;
}

/// Claims of more are not of interest here, since a codec has compared them with the input.
constexpr std::size_t most = std::size_t{1} << 20;

std::optional<byte_vector> by_library(std::span<const std::byte> block) {
    std::size_t size = 0;
    if (snappy_uncompressed_length(chars(block), block.size(), &size) != SNAPPY_OK || size > most)
        return std::nullopt;
    byte_vector plain(size + 1); // a place to write to even if there is nothing
    if (snappy_uncompress(chars(block), block.size(), reinterpret_cast<char*>(plain.data()), &size) !=
        SNAPPY_OK)
        return std::nullopt;
    plain.resize(size);
    return plain;
}

/// In memory of the exact sizes, so that the sanitizers see a byte too much.
std::optional<byte_vector> by_kwire(std::span<const std::byte> block) {
    const exact_bytes exact(block);
    const auto size = detail::snappy_size_of(exact.span());
    if (size.bytes == 0 || size.value > most) return std::nullopt;
    exact_bytes plain(byte_vector(size.value, std::byte{0xee}));
    if (!detail::decompress_snappy(exact.span().subspan(size.bytes), plain.writable())) return std::nullopt;
    return byte_vector(plain.span().begin(), plain.span().end());
}

/// Whether both accept the block; what they read is the same.
bool read_the_same(std::span<const std::byte> block) {
    const auto expected = by_library(block);
    const auto found = by_kwire(block);
    REQUIRE(found.has_value() == expected.has_value());
    REQUIRE(found == expected);
    return found.has_value();
}

/// Text with repetitions near and far, and runs.
byte_vector varied(std::size_t size, std::uint32_t seed) {
    std::mt19937 random(seed);
    byte_vector plain;
    while (plain.size() < size) {
        const std::size_t n = random() % 4 == 0 ? random() % 300 : random() % 20;
        if (random() % 3 == 0 || plain.empty()) {
            for (std::size_t i = 0; i != n; ++i) plain.push_back(static_cast<std::byte>(random() & 0xff));
        } else {
            const std::size_t distance =
                1 + random() % std::min(plain.size(), random() % 2 == 0 ? std::size_t{40} : plain.size());
            for (std::size_t i = 0; i != n; ++i) plain.push_back(plain[plain.size() - distance]);
        }
    }
    plain.resize(size);
    return plain;
}

void put_size(byte_vector& block, std::size_t size) {
    for (; size > 0x7f; size >>= 7) block.push_back(static_cast<std::byte>((size & 0x7f) | 0x80));
    block.push_back(static_cast<std::byte>(size));
}
void put_number(byte_vector& block, std::size_t number, std::size_t bytes) {
    for (; bytes-- != 0; number >>= 8) block.push_back(static_cast<std::byte>(number & 0xff));
}

} // namespace

TEST_CASE("a snappy block: what libsnappy compressed comes back") {
    for (std::size_t size = 0; size != 700; ++size) {
        REQUIRE(by_kwire(block_of(text_of(size))) == text_of(size));
        REQUIRE(by_kwire(block_of(varied(size, 1))) == varied(size, 1));
        REQUIRE(by_kwire(block_of(byte_vector(size))) == byte_vector(size));
        REQUIRE(by_kwire(block_of(noise_of(size))) == noise_of(size));
    }
    for (std::uint32_t seed = 0; seed != 50; ++seed) {
        const auto plain = varied(1000 + seed * 2000, seed);
        REQUIRE(by_kwire(block_of(plain)) == plain);
    }
}

TEST_CASE("a snappy block: copies of every size from every distance up to 80, with every amount of room") {
    // Encoders do not write all of them.
    for (std::size_t distance = 1; distance != 81; ++distance)
        for (std::size_t size = 1; size != 65; ++size)
            for (const std::size_t after : {0u, 1u, 15u, 16u, 59u}) {
                byte_vector block;
                put_size(block, 80 + size + 4 * after);
                put_number(block, 60 << 2, 1);
                put_number(block, 79, 1);
                for (std::size_t i = 0; i != 80; ++i) put_number(block, i, 1);
                put_number(block, (size - 1) << 2 | 2, 1);
                put_number(block, distance, 2);
                for (int i = 0; i != 4 && after != 0; ++i) {
                    put_number(block, (after - 1) << 2, 1);
                    block.insert(block.end(), after, std::byte{7});
                }
                REQUIRE(read_the_same(block));
            }
}

TEST_CASE("a snappy block: one that yields more than it claims is refused, whatever it claims") {
    for (const std::size_t literal : {1u, 16u, 17u, 49u, 60u})
        for (const std::size_t copied : {1u, 16u, 17u, 49u, 64u}) {
            byte_vector elements;
            for (int i = 0; i != 5; ++i) {
                put_number(elements, (literal - 1) << 2, 1);
                elements.insert(elements.end(), literal, std::byte{7});
                for (const std::size_t distance : {std::size_t{1}, literal}) {
                    put_number(elements, (copied - 1) << 2 | 2, 1);
                    put_number(elements, distance, 2);
                }
            }
            const std::size_t size = 5 * (literal + 2 * copied);
            for (std::size_t claimed = 0; claimed <= size; ++claimed) {
                byte_vector block;
                put_size(block, claimed);
                block.insert(block.end(), elements.begin(), elements.end());
                CAPTURE(literal, copied, claimed);
                REQUIRE(read_the_same(block) == (claimed == size));
            }
        }
}

TEST_CASE("a snappy block: random elements of all kinds are read or refused as by libsnappy") {
    std::mt19937 random(3);
    std::size_t accepted = 0, refused = 0;
    for (int round = 0; round != 20000; ++round) {
        byte_vector elements;
        std::size_t size = 0;
        const bool wrong = round % 4 == 0; // in an element, in the size, or at the end
        const int kind_of_mistake = static_cast<int>(random() % 3);
        const std::size_t count = random() % 40;
        const std::size_t mistake_at = random() % (count + 1);
        for (std::size_t i = 0; i != count; ++i) {
            std::size_t distance = size == 0 ? 0 : 1 + random() % size;
            if (wrong && kind_of_mistake == 0 && i == mistake_at) distance = size + random() % 2;
            const std::size_t copied = 1 + random() % 64;
            switch (size == 0 ? 0 : random() % 5) {
            case 0: {
                const std::size_t n = 1 + (random() % 8 == 0 ? random() % 400 : random() % 60);
                const std::size_t bytes = n > 256 ? 2 + random() % 3 : n > 60 ? 1 + random() % 4 : 0;
                put_number(elements, bytes == 0 ? (n - 1) << 2 : (59 + bytes) << 2, 1);
                put_number(elements, n - 1, bytes);
                for (std::size_t j = 0; j != n; ++j) put_number(elements, random() & 0xff, 1);
                size += n;
                break;
            }
            case 1:
                if (distance > 0x7ff) continue;
                put_number(elements, (distance >> 8) << 5 | (copied % 8) << 2 | 1, 1);
                put_number(elements, distance & 0xff, 1);
                size += 4 + copied % 8;
                break;
            case 2:
                put_number(elements, (copied - 1) << 2 | 3, 1);
                put_number(elements, distance, 4);
                size += copied;
                break;
            default:
                put_number(elements, (copied - 1) << 2 | 2, 1);
                put_number(elements, distance, 2);
                size += copied;
            }
        }
        if (wrong && kind_of_mistake == 1) size += random() % 2 == 0 ? 1 : ~std::size_t{0};
        if (wrong && kind_of_mistake == 2 && !elements.empty()) elements.pop_back();
        byte_vector block;
        put_size(block, size & 0xffffffff);
        block.insert(block.end(), elements.begin(), elements.end());
        if (read_the_same(block))
            ++accepted;
        else
            ++refused;
    }
    CHECK(accepted > 15000);
    CHECK(refused > 3000);
}

TEST_CASE("a snappy block: every beginning and every edited byte is read or refused as by libsnappy") {
    for (const std::uint32_t seed : {1u, 2u, 3u}) {
        auto block = block_of(varied(600, seed));
        for (std::size_t size = 0; size != block.size(); ++size)
            CHECK_FALSE(read_the_same(std::span(block).first(size)));
        std::size_t accepted = 0;
        for (auto& byte : block) {
            const auto kept = byte;
            for (unsigned value = 0; value != 256; ++value) {
                byte = static_cast<std::byte>(value);
                accepted += read_the_same(block) ? 1 : 0;
            }
            byte = kept;
        }
        CHECK(accepted > block.size()); // literals may be anything
    }
}

TEST_CASE("a snappy block: numbers up to 32 bits are taken at their value") {
    CHECK(detail::snappy_size_of(from_hex("00")).bytes == 1);
    CHECK(detail::snappy_size_of(from_hex("ffffffff0f")).value == 0xffffffff);
    CHECK(detail::snappy_size_of(from_hex("8080808000")).bytes == 5);
    for (const char* wrong : {"", "80", "ffffffff", "ffffffff10", "ffffffff7f", "808080808000"})
        CHECK(detail::snappy_size_of(from_hex(wrong)).bytes == 0);
    // A literal and a copy whose number is the greatest of all, with little and with much after them.
    for (const char* element : {"fcffffffff", "feffff", "ffffffffff", "fdff"})
        for (const std::size_t rest : {0u, 300u}) {
            byte_vector block;
            put_size(block, 1000);
            put_number(block, 0, 2); // one byte
            const auto bytes = from_hex(element);
            block.insert(block.end(), bytes.begin(), bytes.end());
            block.insert(block.end(), rest, std::byte{0});
            CHECK_FALSE(read_the_same(block));
        }
}
