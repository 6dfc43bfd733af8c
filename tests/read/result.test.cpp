#include <kwire/expected.hpp>
#include <kwire/read/result.hpp>

#include <memory>
#include <type_traits>

#include "catch.hpp"

using kwire::errc;
using kwire::error;
using kwire::result;

namespace {

result<std::unique_ptr<int>> half(int value) {
    if (value % 2 != 0) return kwire::unexpected(error{.code = errc::bad_value});
    return std::make_unique<int>(value / 2);
}

/// What a caller's own function returns.
kwire::expected<std::unique_ptr<int>, error> passed_on(int value) {
    auto halved = half(value);
    if (!halved) return kwire::unexpected(halved.error());
    return halved;
}

template <class Expected>
concept shows_by_arrow = requires(Expected&& e) { static_cast<Expected&&>(e).operator->(); };

static_assert(shows_by_arrow<result<int>&> && shows_by_arrow<const result<int>&>);
static_assert(!shows_by_arrow<result<int>> && !shows_by_arrow<const result<int>>);
static_assert(sizeof(result<int>) == sizeof(kwire::expected<int, error>));
static_assert(std::is_nothrow_move_constructible_v<result<std::unique_ptr<int>>>);

} // namespace

TEST_CASE("a result is used and passed on like the kwire::expected that it is") {
    auto four = half(8);
    REQUIRE(four);
    CHECK(**four == 4);
    CHECK(four->get() == four.value().get());
    CHECK(half(7).error() == errc::bad_value);
    CHECK(*half(6).value() == 3);
    CHECK(*passed_on(4).value() == 2);
    CHECK(passed_on(5).error() == errc::bad_value);
    four = half(3);
    CHECK_FALSE(four);
    four = half(2);
    CHECK(**four == 1);

    const result<int> seven = 7;
    const kwire::expected<int, error> same = seven; // NOLINT(performance-unnecessary-copy-initialization)
    CHECK(*same == 7);
    CHECK(seven.value_or(0) == 7);
}
