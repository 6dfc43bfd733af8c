#include <kwire/schema/detail/members.hpp>

#include <cstdint>
#include <string>

#include "catch.hpp"

namespace {

struct three {
    int first = 1;
    std::string second = "two";
    double third = 3.5;
};

} // namespace

TEST_CASE("members are visited in order, and may be changed") {
    three object;
    kwire::detail::with_members<3>(object, [](int& first, std::string& second, double& third) {
        first = 10;
        second += "!";
        third = 0;
    });
    CHECK(object.first == 10);
    CHECK(object.second == "two!");
    CHECK(object.third == 0);
    const three& constant = object;
    CHECK(kwire::detail::with_members<3>(
              constant, [](const auto& first, const auto&, const auto&) { return first; }) == 10);
}

TEST_CASE("an aggregate of as many members as any message has can be visited") {
    // An array binds like a struct of its elements.
    std::uint8_t object[kwire::detail::max_members] = {};
    object[0] = 1;
    object[kwire::detail::max_members - 1] = 2;
    const int sum = kwire::detail::with_members<kwire::detail::max_members>(
        object, [](const auto&... members) { return (0 + ... + members); });
    CHECK(sum == 3);
    std::uint8_t one[1] = {7};
    CHECK(kwire::detail::with_members<1>(one, [](const auto& only) { return int{only}; }) == 7);
}
