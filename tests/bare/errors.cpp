/// Errors are made, extended and described without exceptions and run-time type information.
#include <kwire/error.hpp>

#include "check.hpp"

int main() {
    kwire::error e{.code = kwire::errc::truncated, .offset = 41, .needed = 812, .left = 311};
    e.enter({"records"});
    e.enter({"topic_data", 3});
    CHECK(e == kwire::errc::truncated);
    const auto text = kwire::describe(e);
    CHECK(text.view() == "topic_data[3].records: truncated at byte 41, needs 812 bytes, 311 left");
    return failed_checks != 0;
}
