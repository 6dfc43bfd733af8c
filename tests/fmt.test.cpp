#include <kwire/fmt.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/parse.hpp>

#include "catch.hpp"
#include "support/bytes.hpp"

TEST_CASE("errors are formatted as describe says them") {
    const auto body = kwire::test::from_hex("0000");
    const auto refused = kwire::parse_view<kwire::metadata_request>(body, 4);
    REQUIRE_FALSE(refused);
    CHECK(fmt::format("{}", refused.error()) ==
          "MetadataRequest v4 topics: truncated at byte 0, needs 4 bytes, 2 left");
    CHECK(fmt::format("{}", refused.error().code) == "truncated");
    CHECK(fmt::format("{}", kwire::path_of(refused.error())) == "topics");
}

TEST_CASE("uuids are formatted as Kafka prints them, with the options of strings") {
    CHECK(fmt::format("{}", kwire::uuid{}) == "AAAAAAAAAAAAAAAAAAAAAA");
    CHECK(fmt::format("{:>24}", kwire::uuid::from_halves(1, 2)) == "  AAAAAAAAAAEAAAAAAAAAAg");
}
