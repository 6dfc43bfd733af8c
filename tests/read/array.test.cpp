#include <kwire/messages/fetch.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/sasl_handshake.hpp>
#include <kwire/read/array.hpp>
#include <kwire/read/parse.hpp>

#include <algorithm>
#include <iterator>
#include <ranges>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"

using kwire::array_of;
using kwire::nullable_array_of;
using kwire::test::exact_bytes;
using kwire::test::from_hex;

namespace {

template <class Array>
using iterator_of = typename Array::iterator;

// Fixed-width elements: random access. Strings and structs: forward, and no index that would cost n steps.
static_assert(std::random_access_iterator<iterator_of<array_of<std::int32_t>>>);
static_assert(std::random_access_iterator<iterator_of<array_of<bool>>>);
static_assert(std::random_access_iterator<iterator_of<array_of<kwire::uuid>>>);
static_assert(std::ranges::random_access_range<array_of<std::int64_t>>);
static_assert(std::ranges::common_range<array_of<std::int64_t>>);
static_assert(std::forward_iterator<iterator_of<array_of<std::string_view>>>);
static_assert(std::forward_iterator<iterator_of<array_of<kwire::metadata_response::topic::view>>>);
static_assert(std::forward_iterator<iterator_of<array_of<kwire::metadata_response::topic::basic_view<12>>>>);
static_assert(std::ranges::forward_range<nullable_array_of<kwire::metadata_request::topic::view>>);
static_assert(
    std::sized_sentinel_for<iterator_of<array_of<std::int16_t>>, iterator_of<array_of<std::int16_t>>>);

template <class Array>
concept has_index = requires(const Array& array) { array[0]; };
static_assert(has_index<array_of<std::int32_t>>);
static_assert(!has_index<array_of<std::string_view>>);
static_assert(!has_index<array_of<kwire::metadata_response::topic::view>>);

// Values that are handed around: no larger than they must be.
static_assert(std::is_trivially_copyable_v<array_of<std::int32_t>> && sizeof(array_of<std::int32_t>) == 16);
static_assert(std::is_trivially_copyable_v<nullable_array_of<kwire::metadata_request::topic::view>>);
static_assert(sizeof(nullable_array_of<kwire::metadata_request::topic::view>) == 24);

} // namespace

TEST_CASE("an array of numbers is an ordinary random access range") {
    // Metadata response v0: no brokers, one topic, one partition with replicas 1, -2, 0x01020304 and no isr.
    const exact_bytes bytes(from_hex("00000000"
                                     "00000001 0000 0001 74 00000001"
                                     "0000 00000007 00000003 00000003 00000001 fffffffe 01020304 00000000"));
    const auto view = kwire::parse_view<kwire::metadata_response>(bytes.span(), 0);
    REQUIRE(view);
    for (const auto topic : view->topics())
        for (const auto partition : topic.partitions()) {
            const auto replicas = partition.replica_nodes();
            CHECK(replicas.size() == 3);
            CHECK(replicas[1] == -2);
            CHECK(replicas.begin()[2] == 0x01020304);
            CHECK(replicas.end() - replicas.begin() == 3);
            CHECK(std::vector<std::int32_t>(replicas.begin(), replicas.end()) ==
                  std::vector<std::int32_t>{1, -2, 0x01020304});
            CHECK(std::ranges::max(replicas) == 0x01020304);
            CHECK(*(replicas.end() - 1) == 0x01020304);
            CHECK(*(1 + replicas.begin()) == -2);
            auto it = replicas.begin();
            CHECK(*it++ == 1);
            CHECK(*it-- == -2);
            CHECK((it == replicas.begin() && it < replicas.end()));
            CHECK(std::ranges::lower_bound(replicas | std::views::drop(1), 0) - replicas.begin() == 2);
            CHECK(partition.isr_nodes().empty());
            CHECK(partition.isr_nodes().begin() == partition.isr_nodes().end());
            CHECK(partition.offline_replicas().empty()); // not in this version
        }
}

TEST_CASE("an array of strings is read in order, as often as wanted") {
    const exact_bytes bytes(from_hex("0000 00000003 0003 616263 0000 0001 7a"));
    const auto view = kwire::parse_view<kwire::sasl_handshake_response>(bytes.span(), 1);
    REQUIRE(view);
    const auto mechanisms = view->mechanisms();
    CHECK(mechanisms.size() == 3);
    for (int round = 0; round < 2; ++round) {
        std::vector<std::string> all;
        for (const std::string_view one : mechanisms) all.emplace_back(one);
        CHECK(all == std::vector<std::string>{"abc", "", "z"});
    }
    const auto first = mechanisms.begin();
    auto second = first;
    CHECK(second++ == first);
    CHECK(second != first);
    CHECK(std::ranges::distance(mechanisms) == 3);
}

TEST_CASE("null and empty are two things, and both can be looped over") {
    const exact_bytes minus_one(from_hex("ffffffff 00"));
    const exact_bytes zero(from_hex("00000000 00"));
    const auto null = kwire::parse_view<kwire::metadata_request>(minus_one.span(), 4);
    const auto empty = kwire::parse_view<kwire::metadata_request>(zero.span(), 4);
    REQUIRE(null);
    REQUIRE(empty);
    CHECK(null->topics().is_null());
    CHECK(null->topics().size() == 0);
    CHECK(null->topics().empty());
    CHECK_FALSE(empty->topics().is_null());
    CHECK(empty->topics().empty());
    for (const auto topic : null->topics()) FAIL("a topic of null: " << topic.name().value_or(""));
    for (const auto topic : empty->topics()) FAIL("a topic of nothing: " << topic.name().value_or(""));
}

TEST_CASE("default-made arrays and iterators are empty and can be compared") {
    CHECK(array_of<std::int32_t>().empty());
    CHECK(array_of<std::int32_t>().begin() == array_of<std::int32_t>().end());
    CHECK(array_of<std::string_view>().begin() == array_of<std::string_view>().end());
    CHECK_FALSE(nullable_array_of<std::int32_t>().is_null());
    CHECK(iterator_of<array_of<std::string_view>>() == iterator_of<array_of<std::string_view>>());
    CHECK(iterator_of<array_of<kwire::metadata_response::topic::view>>() ==
          iterator_of<array_of<kwire::metadata_response::topic::view>>());
    CHECK(array_of<kwire::metadata_response::topic::view>().begin() ==
          array_of<kwire::metadata_response::topic::view>().end());
}
