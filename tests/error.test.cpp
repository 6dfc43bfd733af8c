#include <kwire/error.hpp>

#include <set>
#include <sstream>
#include <string>

#include "catch.hpp"

using kwire::errc;
using kwire::error;

static std::string words(const kwire::error_text& text) { return std::string(text.view()); }

TEST_CASE("every code has a unique name, and other values are named unknown") {
    std::set<std::string_view> names;
    for (int code = 0; code <= static_cast<int>(errc::too_many_in_flight); ++code) {
        const auto name = kwire::name_of(static_cast<errc>(code));
        CHECK(name != "unknown");
        names.insert(name);
    }
    CHECK(names.size() == static_cast<std::size_t>(errc::too_many_in_flight) + 1);
    CHECK(kwire::name_of(static_cast<errc>(255)) == "unknown");
}

TEST_CASE("fields are entered from the inside out") {
    error e{.code = errc::truncated};
    e.enter({"records"});
    e.enter({"partition_data", 0});
    e.enter({"topic_data", 3});
    CHECK(words(kwire::path_of(e)) == "topic_data[3].partition_data[0].records");
    CHECK(words(kwire::path_of(error{})).empty());
}

TEST_CASE("a path deeper than max_depth loses its innermost steps") {
    error e;
    for (const char* field : {"h", "g", "f", "e", "d", "c", "b", "a"}) e.enter({field});
    CHECK(words(kwire::path_of(e)) == "a.b.c.d.e.f");
}

TEST_CASE("the description has message, version, field, code, offset and sizes") {
    error e{.code = errc::truncated,
            .offset = 1266,
            .needed = 812,
            .left = 311,
            .message = "ProduceRequest",
            .version = 9};
    e.enter({"records"});
    CHECK(words(kwire::describe(e)) ==
          "ProduceRequest v9 records: truncated at byte 1266, needs 812 bytes, 311 left");
    CHECK(words(kwire::describe(error{.code = errc::tag_order, .offset = 7})) == "tag_order at byte 7");
    CHECK(words(kwire::describe(error{.code = errc::truncated, .needed = 1, .message = "Metadata"})) ==
          "Metadata: truncated at byte 0, needs 1 byte, 0 left");
    CHECK(words(kwire::describe(error{.code = errc::too_large, .needed = 9, .left = 8, .located = false})) ==
          "too_large, needs 9 bytes, 8 left");
}

TEST_CASE("a description that is too long is truncated") {
    const std::string name(300, 'x');
    error e{.code = errc::bad_value, .message = name};
    CHECK(words(kwire::describe(e)) == name.substr(0, 256));
}

TEST_CASE("an error compares equal to its code") {
    CHECK(error{.code = errc::truncated, .offset = 3} == errc::truncated);
    CHECK(error{.code = errc::truncated} != errc::bad_length);
}

TEST_CASE("the text of an error can be streamed, and passed as a string_view") {
    kwire::error e;
    e.code = kwire::errc::truncated;
    e.offset = 41;
    std::ostringstream out;
    out << kwire::describe(e);
    CHECK(out.str() == "truncated at byte 41");
    const auto size = [](std::string_view text) { return text.size(); };
    CHECK(size(kwire::describe(e)) == 20);
}
