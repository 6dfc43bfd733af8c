#include <kwire/wire/detail/keyed_hash.hpp>

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

TEST_CASE("a process has one key, which is random") {
    const kwire::wire::hash_key key = kwire::wire::process_hash_key();
    const kwire::wire::hash_key again = kwire::wire::process_hash_key();
    CHECK((key.low == again.low && key.high == again.high));
    CHECK((key.low != 0 || key.high != 0));
    const kwire::wire::hash_key other = kwire::wire::detail::draw_hash_key();
    CHECK((key.low != other.low || key.high != other.high));
}
