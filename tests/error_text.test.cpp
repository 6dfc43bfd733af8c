#include <kwire/error_text.hpp>

#include "catch.hpp"

TEST_CASE("to_string of an error is the line that describe returns") {
    kwire::error e{.code = kwire::errc::truncated, .offset = 7, .needed = 4, .left = 1};
    e.enter({"records"});
    const kwire::error_text text = kwire::describe(e);
    CHECK(kwire::to_string(e) == text.view());
    CHECK(kwire::to_string(e) == "records: truncated at byte 7, needs 4 bytes, 1 left");
}
