#include <kwire/fmt.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/write/encode.hpp>

#include "catch.hpp"
#include "support/bytes.hpp"

TEST_CASE("errors are formatted as by describe") {
    const auto body = kwire::test::from_hex("0000");
    const auto refused = kwire::parse_view<kwire::metadata_request>(body, 4);
    REQUIRE_FALSE(refused);
    CHECK(fmt::format("{}", refused.error()) ==
          "MetadataRequest v4 topics: truncated at byte 0, needs 4 bytes, 2 left");
    CHECK(fmt::format("{}", refused.error().code) == "truncated");
    CHECK(fmt::format("{}", kwire::path_of(refused.error())) == "topics");
}

TEST_CASE("Kafka's error codes are formatted with name and number, unassigned ones included") {
    CHECK(fmt::format("{}", kwire::error_code::not_leader_or_follower) == "NOT_LEADER_OR_FOLLOWER (6)");
    CHECK(fmt::format("{}", kwire::error_code::unknown_server_error) == "UNKNOWN_SERVER_ERROR (-1)");
    CHECK(fmt::format("{}", kwire::error_code{31000}) == "UNKNOWN (31000)");
    CHECK(fmt::format("{:>10}|", kwire::error_code::none) == "  NONE (0)|");
}

TEST_CASE("uuids are formatted as Kafka prints them, with the options of strings") {
    CHECK(fmt::format("{}", kwire::uuid{}) == "AAAAAAAAAAAAAAAAAAAAAA");
    CHECK(fmt::format("{:>24}", kwire::uuid::from_halves(1, 2)) == "  AAAAAAAAAAEAAAAAAAAAAg");
}

TEST_CASE("views are formatted as by to_text, held or not, and `#` lifts the limits") {
    const kwire::metadata_request::data request{.topics = {{{.name = std::string(200, 'n')}}}};
    const auto held = kwire::parse<kwire::metadata_request>(
        kwire::encode<kwire::metadata_request>(request, 4).value().to_bytes(), 4);
    REQUIRE(held);
    const std::string text = kwire::to_text(**held);
    CHECK(text.find("(200 bytes)") != std::string::npos);
    CHECK(fmt::format("{}", *held) == text);
    CHECK(fmt::format("<{}>", **held) == "<" + text + ">");
    CHECK(fmt::format("{}", kwire::as_dynamic(**held)) == text);
    CHECK(fmt::format("{}", *held->topics().begin()).starts_with("{name: \"nnn"));
    CHECK(fmt::format("{:#}", *held) == kwire::to_text(**held, kwire::print_options::everything()));
    const auto fixed = kwire::parse<kwire::metadata_request, 4>(kwire::shared_buffer((*held).buffer()));
    CHECK(fmt::format("{}", *fixed) == text);
    const auto& info = kwire::message_info_of<kwire::metadata_request>;
    CHECK(fmt::format("{}", *kwire::parse(info, (*held).buffer(), 4)) == text);
}
