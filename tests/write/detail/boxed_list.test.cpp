#include <kwire/write/detail/boxed_list.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "catch.hpp"

using words = kwire::detail::boxed_list<std::string>;

namespace {

static_assert(sizeof(words) == sizeof(void*));
static_assert(std::ranges::contiguous_range<words> && std::ranges::sized_range<const words>);
static_assert(std::is_convertible_v<const words&, std::span<const std::string>>);
static_assert(std::is_nothrow_default_constructible_v<words> && std::is_nothrow_destructible_v<words>);
static_assert(std::is_nothrow_move_constructible_v<words> && std::is_nothrow_move_assignable_v<words>);

constinit words none; // needs no code to run

} // namespace

TEST_CASE("an empty list has nothing in it, whether it ever had or not") {
    CHECK(none.empty());
    CHECK(none.begin() == none.end());
    CHECK_THROWS_AS(none.at(0), std::out_of_range);
    words list{"a"};
    CHECK(list != none);
    list.clear();
    CHECK(list == none);
    CHECK(list.begin() == list.end());
    CHECK(words(std::vector<std::string>()) == words{});
    none.clear();
    none.erase(none.begin(), none.end());
    CHECK(none.size() == 0);
}

TEST_CASE("a list is filled, read and cut like a vector") {
    words list;
    list.push_back("b");
    CHECK(list.emplace_back(3, 'd') == "ddd");
    CHECK(*list.insert(list.begin(), "a") == "a");
    CHECK(*list.insert(list.begin() + 2, "c") == "c");
    CHECK(list == words{"a", "b", "c", "ddd"});
    CHECK(list.size() == 4);
    CHECK(list.front() == "a");
    CHECK(list.back() == "ddd");
    CHECK(list.at(1) == list[1]);
    CHECK_THROWS_AS(list.at(4), std::out_of_range);
    CHECK(*list.erase(list.begin()) == "b");
    const auto rest = list.erase(list.begin() + 1, list.end());
    CHECK(rest == list.end());
    CHECK(list == words{"b"});
    list.pop_back();
    CHECK(list.empty());
    const std::vector<std::string> two{"x", "y"};
    list = two;
    CHECK(list == words(two.begin(), two.end()));
    CHECK(std::ranges::equal(list, two));
    list = {};
    CHECK(list.empty());
}

TEST_CASE("copies are apart, and what is moved is empty afterwards") {
    words list{"a", "b"};
    words copy = list;
    copy[0] = std::string("z"); // GCC 12 warns of the assignment of characters
    CHECK(list[0] == "a");
    const std::string* const elements = list.data();
    words moved = std::move(list);
    CHECK(moved.data() == elements);
    CHECK(list.empty()); // NOLINT(bugprone-use-after-move): that is what is checked
    swap(list, moved);
    CHECK(list.data() == elements);
    copy = list;
    CHECK(copy == list);
    const words& same = copy;
    copy = same;
    CHECK(copy == words{"a", "b"});
    copy = std::move(list);
    CHECK(copy.data() == elements);
}
