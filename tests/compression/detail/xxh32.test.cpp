#include <kwire/compression/detail/xxh32.hpp>

#include <string_view>

#include "catch.hpp"
#include "support/bytes.hpp"

using kwire::detail::xxh32;

namespace {

std::uint32_t of(std::string_view text) {
    const kwire::test::exact_bytes bytes(std::as_bytes(std::span(text)));
    return xxh32(bytes.span());
}

} // namespace

TEST_CASE("xxh32 gives the values that xxhsum prints") {
    REQUIRE(of("") == 0x02cc5d05);
    REQUIRE(of("a") == 0x550d7456);
    REQUIRE(of("abc") == 0x32d153ff);
    REQUIRE(of("Nobody inspects the spammish repetition") == 0xe2293b2f);
}

TEST_CASE("xxh32 is known at compile time") {
    static_assert(xxh32({}) == 0x02cc5d05);
    SUCCEED();
}
