#include <kwire/error_text.hpp>

#include "catch.hpp"

TEST_CASE("to_string of an error is the line that describe returns") {
    kwire::error e{.code = kwire::errc::truncated, .offset = 7, .needed = 4, .left = 1};
    e.enter({"records"});
    const kwire::error_text text = kwire::describe(e);
    CHECK(kwire::to_string(e) == text.view());
    CHECK(kwire::to_string(e) == "records: truncated at byte 7, needs 4 bytes, 1 left");
}

TEST_CASE("to_string of Kafka's error code is its name and its number") {
    CHECK(kwire::to_string(kwire::error_code::none) == "NONE (0)");
    CHECK(kwire::to_string(kwire::error_code::unknown_server_error) == "UNKNOWN_SERVER_ERROR (-1)");
    CHECK(kwire::to_string(kwire::error_code::unknown_topic_or_partition) ==
          "UNKNOWN_TOPIC_OR_PARTITION (3)");
    CHECK(kwire::to_string(kwire::error_code{31'000}) == "UNKNOWN (31000)");
    CHECK(kwire::to_string(kwire::error_code{-32'768}) == "UNKNOWN (-32768)");
}
