#include <kwire/messages/metadata.hpp>
#include <kwire/messages/partition_change_record.hpp>
#include <kwire/write/nullable_list.hpp>

#include <cstdint>
#include <optional>
#include <ranges>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "catch.hpp"

using words = kwire::nullable_list<std::string>;
using numbers = kwire::nullable_list<std::int32_t>;

namespace {

static_assert(sizeof(words) == sizeof(void*));
static_assert(std::ranges::contiguous_range<words> && std::ranges::contiguous_range<const numbers>);
static_assert(std::is_nothrow_default_constructible_v<words> && std::is_nothrow_destructible_v<words>);
static_assert(std::is_nothrow_move_constructible_v<words> && std::is_nothrow_move_assignable_v<words>);

static_assert(std::is_constructible_v<words, std::nullptr_t> && !std::is_constructible_v<words, int>);

constinit words unfilled; // needs no code to run
constinit words null_from_the_start = nullptr;

} // namespace

TEST_CASE("a list is empty at first, and null if that is assigned, and the two are not equal") {
    CHECK_FALSE(unfilled.is_null());
    CHECK(unfilled.empty());
    CHECK(null_from_the_start.is_null());
    CHECK(null_from_the_start.empty());
    CHECK(null_from_the_start.begin() == null_from_the_start.end());
    CHECK(unfilled != null_from_the_start);
    words list{"a"};
    list = nullptr;
    CHECK(list.is_null());
    CHECK(list == null_from_the_start);
    list = {};
    CHECK_FALSE(list.is_null());
    list = std::nullopt;
    CHECK(list.is_null());
    list = std::vector<std::string>();
    CHECK_FALSE(list.is_null());
    CHECK(words(nullptr) == words(std::nullopt));
}

TEST_CASE("whatever changes a null list makes it one that is not null") {
    words list = nullptr;
    SECTION("an element is added") {
        list.push_back("a");
        CHECK(list == words{"a"});
    }
    SECTION("an element is made") { CHECK(list.emplace_back(2, 'b') == "bb"); }
    SECTION("an element is inserted") { CHECK(*list.insert(list.begin(), "c") == "c"); }
    SECTION("it is cleared") {
        list.clear();
        CHECK(list == words{});
    }
    SECTION("it is made longer") {
        list.resize(2);
        CHECK(list.size() == 2);
    }
    CHECK_FALSE(list.is_null());
    CHECK(null_from_the_start.is_null()); // all null lists share one state
    CHECK(null_from_the_start.empty());
}

TEST_CASE("copies of null are null, and what is moved is an empty list afterwards") {
    words null = nullptr;
    words copy = null;
    CHECK(copy.is_null());
    words moved = std::move(null);
    CHECK(moved.is_null());
    CHECK_FALSE(null.is_null()); // NOLINT(bugprone-use-after-move): that is what is checked
    words list{"a"};
    swap(list, moved);
    CHECK(list.is_null());
    CHECK(moved == words{"a"});
    list = moved;
    CHECK(list == words{"a"});
}

TEST_CASE("lists of numbers have the members of others") {
    numbers list{1, 2, 3};
    list.push_back(4);
    CHECK(list == numbers{1, 2, 3, 4});
    CHECK(list.at(3) == 4);
    list.erase(list.begin(), list.begin() + 2);
    CHECK(list == numbers{3, 4});
    list = nullptr;
    CHECK(list.is_null());
}

TEST_CASE("members of data structs take lists in braces, and default as the schema says") {
    const kwire::metadata_request::data request{.topics = {{.name = "orders"}, {.name = "bills"}}};
    REQUIRE(request.topics.size() == 2);
    CHECK(request.topics[1].name == "bills");
    const kwire::metadata_request::data one{.topics = {{.name = "orders"}}};
    CHECK(one.topics.size() == 1);
    CHECK_FALSE(kwire::metadata_request::data().topics.is_null());
    CHECK(kwire::partition_change_record::data().isr.is_null());
    const kwire::partition_change_record::data change{.isr = {1, 2}};
    CHECK(change.isr.size() == 2);
}

TEST_CASE("a null list stays null when an element cannot be made, and when room is reserved") {
    struct refuses {
        explicit refuses(int value) {
            if (value == 0) throw value;
        }
    };
    kwire::nullable_list<refuses> list = nullptr;
    list.reserve(8);
    CHECK(list.is_null());
    CHECK_THROWS_AS(list.emplace_back(0), int);
    CHECK(list.is_null());
    list.emplace_back(1);
    CHECK_FALSE(list.is_null());
    CHECK_THROWS_AS(list.emplace_back(0), int);
    CHECK(list.size() == 1);
}

TEST_CASE("a list that is made of a range loses nothing when the range throws") {
    struct last_throws {
        using value_type = std::string;
        using difference_type = std::ptrdiff_t;
        int at = 0;
        std::string operator*() const { return at == 3 ? throw at : std::string(40, 'x'); }
        last_throws& operator++() {
            ++at;
            return *this;
        }
        void operator++(int) { ++at; }
        bool operator==(std::default_sentinel_t) const { return at == 4; }
    };
    CHECK_THROWS_AS(words(last_throws(), std::default_sentinel), int); // a leak would fail under sanitizers
}
