// again: portable
#include <kwire/wire/detail/keyed_hash.hpp>

#include <array>
#include <string_view>

#include "catch.hpp"

namespace {

std::uint64_t hash_of(std::string_view text, kwire::wire::hash_key key = {}) {
    return kwire::wire::keyed_hash(key, std::as_bytes(std::span(text)));
}

} // namespace

TEST_CASE("the hash is SipHash-1-3, as CPython 3.11 uses it") {
    // hash(b"...") under PYTHONHASHSEED=0, which sets the key to zero, and 1.
    CHECK(hash_of("a") == 0x407448d2b89b1813);
    CHECK(hash_of("abcdefgh") == 0x3f7b849c0b8e35ea);
    CHECK(hash_of("orders-topic-0123456789") == 0xd0d118b11bc82315);
    CHECK(hash_of("orders-topic-0123456789", {0xaed66ce184be2329, 0xebe9bbf1f1499052}) == 0xa9e265127563fd86);
}

TEST_CASE("the hash of every length is that of its bytes one by one, at run time and for the compiler") {
    constexpr kwire::wire::hash_key key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
    std::array<std::byte, 64> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
        CAPTURE(size);
        const auto text = std::span(bytes).first(size);
        kwire::wire::detail::sip_state by_bytes(key);
        std::size_t at = 0;
        for (; at + 8 <= size; at += 8) by_bytes.absorb(kwire::wire::detail::word_of(text.subspan(at, 8)));
        by_bytes.absorb(std::uint64_t{size} << 56 | kwire::wire::detail::word_of(text.subspan(at)));
        CHECK(kwire::wire::keyed_hash(key, text) == by_bytes.finish());
    }
    constexpr std::array<std::byte, 9> nine{std::byte{1}, std::byte{2}, std::byte{3},
                                            std::byte{4}, std::byte{5}, std::byte{6},
                                            std::byte{7}, std::byte{8}, std::byte{9}};
    constexpr std::uint64_t known = kwire::wire::keyed_hash(key, nine);
    CHECK(kwire::wire::keyed_hash(key, nine) == known);
}

TEST_CASE("a process has one key, which is random") {
    const kwire::wire::hash_key key = kwire::wire::process_hash_key();
    const kwire::wire::hash_key again = kwire::wire::process_hash_key();
    CHECK((key.low == again.low && key.high == again.high));
    CHECK((key.low != 0 || key.high != 0));
    const kwire::wire::hash_key other = kwire::wire::detail::draw_hash_key();
    CHECK((key.low != other.low || key.high != other.high));
    const kwire::wire::hash_key guessed = kwire::wire::detail::guess_hash_key();
    const kwire::wire::hash_key guessed_again = kwire::wire::detail::guess_hash_key();
    CHECK((guessed.low != guessed_again.low && guessed.high != guessed_again.high));
    CHECK(guessed.low != guessed.high);
}
