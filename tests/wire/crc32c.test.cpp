#include <kwire/wire/crc32c.hpp>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <random>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"

namespace detail = kwire::wire::detail;
using kwire::crc32c;
using kwire::wire::castagnoli;

namespace {

/// Bit by bit, as defined; all others are compared with it.
std::uint32_t crc_by_bits(std::uint32_t polynomial, std::span<const std::byte> bytes) {
    std::uint32_t state = ~0u;
    for (const std::byte b : bytes)
        for (unsigned bit = 0; bit < 8; ++bit) {
            const bool out = ((state ^ std::to_integer<std::uint32_t>(b) >> bit) & 1) != 0;
            state = state >> 1 ^ (out ? polynomial : 0);
        }
    return ~state;
}

std::vector<std::byte> noise(std::size_t size) {
    std::mt19937 random(20170629);
    std::vector<std::byte> bytes(size);
    for (auto& b : bytes) b = static_cast<std::byte>(random() & 0xff);
    return bytes;
}

/// An implementation that takes `Least` bytes or more; for less, the portable one.
template <std::size_t Least, auto Way>
std::uint32_t from(std::uint32_t state, const std::byte* p, std::size_t size) noexcept {
    return size < Least ? detail::crc_portable<castagnoli>(state, p, size) : Way(state, p, size);
}

/// Every implementation that this processor can run, whichever is chosen.
std::vector<std::pair<const char*, detail::crc32c_function>> all_ways() {
    std::vector<std::pair<const char*, detail::crc32c_function>> ways;
    ways.emplace_back("portable", detail::crc_portable<castagnoli>);
#if defined(KWIRE_CRC32C_X86)
    if (detail::x86::has_sse42()) {
        ways.emplace_back("chain", detail::x86::crc32c_chain);
        ways.emplace_back("sse4.2", detail::x86::crc32c_sse42);
    }
    if (detail::x86::has_avx2()) {
        ways.emplace_back("folded256", from<128, detail::x86::crc32c_folded256>);
        ways.emplace_back("mixed256", from<376, detail::x86::crc32c_mixed256>);
        ways.emplace_back("avx2", detail::x86::crc32c_avx2);
    }
    if (detail::x86::has_avx512()) {
        ways.emplace_back("folded", from<64, detail::x86::crc32c_folded>);
        ways.emplace_back("mixed", from<632, detail::x86::crc32c_mixed>);
        ways.emplace_back("avx512", detail::x86::crc32c_avx512);
    }
#endif
#if defined(KWIRE_CRC32C_ARM)
    if (detail::arm::has_crc()) {
        ways.emplace_back("chain", detail::arm::crc32c_chain);
        ways.emplace_back("arm", detail::arm::crc32c);
    }
#endif
    ways.emplace_back("chosen", detail::choose_crc32c());
    return ways;
}

std::vector<std::pair<const char*, detail::crc32c_shift_function>> all_shifts() {
    std::vector<std::pair<const char*, detail::crc32c_shift_function>> ways;
    ways.emplace_back("portable", detail::crc_shift_portable<castagnoli>);
#if defined(KWIRE_CRC32C_X86)
    if (detail::x86::has_sse42()) ways.emplace_back("sse4.2", detail::x86::crc32c_shift);
#endif
    ways.emplace_back("chosen", detail::choose_crc32c_shift());
    return ways;
}

std::vector<std::byte> bytes_of_text(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

} // namespace

TEST_CASE("crc32c: the vectors of RFC 3720, appendix B.4, and the usual check value") {
    std::vector<std::byte> rising(32), falling(32);
    for (unsigned i = 0; i < 32; ++i) {
        rising[i] = static_cast<std::byte>(i);
        falling[i] = static_cast<std::byte>(31 - i);
    }
    CHECK(crc32c({}) == 0);
    CHECK(crc32c(std::vector<std::byte>(32)) == 0x8a9136aa);
    CHECK(crc32c(std::vector<std::byte>(32, std::byte{0xff})) == 0x62a8ab43);
    CHECK(crc32c(rising) == 0x46dd794e);
    CHECK(crc32c(falling) == 0x113fdb5c);
    CHECK(crc32c(bytes_of_text("123456789")) == 0xe3069283);
    CHECK(crc32c(kwire::test::from_hex("01c00000000000000000000000000000 14000000000004000000001400000018"
                                       "28000000000000000200000000000000")) == 0xd9963a56);
    CHECK(kwire::wire::crc32_ieee(bytes_of_text("123456789")) == 0xcbf43926);
}

TEST_CASE("crc32c: all implementations agree for each length up to 4096 and each alignment up to 63") {
    const auto bytes = noise(4096 + 64);
    alignas(64) std::array<std::byte, 4096 + 64> aligned;
    std::copy(bytes.begin(), bytes.end(), aligned.begin());
    const auto ways = all_ways();
    std::vector<bool> all_same(ways.size(), true);
    for (std::size_t shift = 0; shift < 64; ++shift) {
        std::uint32_t expected = ~0u; // byte by byte through a table
        for (std::size_t size = 0; size <= 4096; ++size) {
            for (std::size_t i = 0; i != ways.size(); ++i)
                if (ways[i].second(~0u, aligned.data() + shift, size) != expected) all_same[i] = false;
            expected = detail::crc_portable<castagnoli>(expected, aligned.data() + shift + size, 1);
        }
    }
    for (std::size_t i = 0; i != ways.size(); ++i) {
        CAPTURE(ways[i].first);
        CHECK(all_same[i]);
    }
}

TEST_CASE("crc32c: all implementations agree with the definition and do not read past the end") {
    const auto bytes = noise(4099);
    for (const std::size_t size :
         std::initializer_list<std::size_t>{0,   1,   7,   8,   63,  64,  65,  127, 128,  129,  159,  191,
                                            192, 255, 256, 257, 511, 512, 513, 632, 1023, 2048, 4096, 4099}) {
        const kwire::test::exact_bytes block{std::span(bytes).first(size)};
        const auto expected = crc_by_bits(castagnoli, block.span());
        CAPTURE(size);
        for (const auto& [name, way] : all_ways()) {
            CAPTURE(name);
            CHECK(~way(~0u, block.begin(), size) == expected);
        }
        CHECK(kwire::wire::crc32_ieee(block.span()) == crc_by_bits(kwire::wire::ieee_802_3, block.span()));
    }
}

TEST_CASE("crc32c: all implementations agree for inputs in several parts") {
    const auto bytes = noise(70000);
    std::vector<std::size_t> sizes{3071, 3072, 12287, 12288, 12289, 24583, 70000};
    for (std::size_t size = 2047; size < 2047 + 2 * 248; ++size) sizes.push_back(size);
    for (std::size_t size = 4095; size < 4095 + 2 * 376; ++size) sizes.push_back(size);
    for (const std::size_t size : sizes) {
        const auto expected = detail::crc_portable<castagnoli>(~0u, bytes.data(), size);
        CAPTURE(size);
        for (const auto& [name, way] : all_ways()) {
            CAPTURE(name);
            CHECK(way(~0u, bytes.data(), size) == expected);
        }
    }
}

TEST_CASE("crc32c: parts, extended or combined, give the checksum of the whole") {
    const auto bytes = noise(2000);
    const std::span<const std::byte> all = bytes;
    const auto whole = crc32c(all);
    for (std::size_t cut = 0; cut <= all.size(); cut += 13) {
        const auto head = all.first(cut), tail = all.subspan(cut);
        CHECK(kwire::crc32c_extend(crc32c(head), tail) == whole);
        CHECK(kwire::crc32c_combine(crc32c(head), crc32c(tail), tail.size()) == whole);
    }
}

TEST_CASE("crc32c: shifts by any 64-bit size agree with each other and with zero bytes") {
    std::vector<std::byte> bytes = noise(40);
    const auto short_crc = detail::crc_portable<castagnoli>(0, bytes.data(), bytes.size());
    bytes.resize(bytes.size() + 70000);
    for (const std::size_t zeros :
         std::initializer_list<std::size_t>{0, 1, 2, 3, 4, 63, 64, 65, 4095, 65536, 70000})
        CHECK(kwire::crc32c_shift(short_crc, zeros) ==
              detail::crc_portable<castagnoli>(0, bytes.data(), 40 + zeros));

    std::mt19937_64 random(7);
    for (int i = 0; i < 2000; ++i) {
        const std::uint64_t size = random() >> (i % 64);
        const auto crc = static_cast<std::uint32_t>(random());
        // x has the order 2^31 - 1 for this polynomial, so that this many bits, or bytes, change nothing.
        const auto expected = detail::crc_shift_portable<castagnoli>(crc, size % 0x7fffffff);
        for (const auto& [name, shift] : all_shifts()) {
            CAPTURE(name, size, crc);
            CHECK(shift(crc, size) == expected);
        }
        CHECK(kwire::crc32c_unshift(expected, size) == crc);
    }
}

TEST_CASE("crc32c: every flipped bit changes the checksum") {
    auto bytes = noise(1024);
    const auto before = crc32c(bytes);
    bool all_seen = true;
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        bytes[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
        all_seen &= crc32c(bytes) != before;
        bytes[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    }
    CHECK(all_seen);
    CHECK(crc32c(bytes) == before);
}

TEST_CASE("crc32c: works at compile time") {
    constexpr std::array digits{std::byte{'1'}, std::byte{'2'}, std::byte{'3'},
                                std::byte{'4'}, std::byte{'5'}, std::byte{'6'},
                                std::byte{'7'}, std::byte{'8'}, std::byte{'9'}};
    STATIC_REQUIRE(crc32c(digits) == 0xe3069283);
    STATIC_REQUIRE(kwire::crc32c_combine(crc32c(std::span(digits).first(4)),
                                         crc32c(std::span(digits).subspan(4)), 5) == 0xe3069283);
}
