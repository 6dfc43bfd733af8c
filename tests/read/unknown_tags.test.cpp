#include <kwire/messages/api_versions.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/read/unknown_tags.hpp>

#include <iterator>
#include <ranges>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"

using kwire::errc;
using kwire::test::exact_bytes;
using kwire::test::from_hex;
using kwire::test::to_hex;

static_assert(std::forward_iterator<kwire::unknown_tag_range::iterator>);
static_assert(std::ranges::forward_range<kwire::unknown_tag_range>);
static_assert(std::is_trivially_copyable_v<kwire::unknown_tag_view>);

namespace {

using response = kwire::api_versions_response;

// ApiVersions response v3 without APIs; tags 0, 1 and 2 are known, 3 is not.
std::vector<std::byte> with_tags(std::string_view tags) {
    std::vector<std::byte> bytes = from_hex("0000 01 00000000");
    for (const std::byte b : from_hex(tags)) bytes.push_back(b);
    return bytes;
}

errc refusal(std::string_view tags) {
    const exact_bytes bytes(with_tags(tags));
    const auto view = kwire::parse_view<response>(bytes.span(), 3);
    REQUIRE(!view);
    return view.error().code;
}

} // namespace

TEST_CASE("unknown tags are shown in order, known ones are not among them") {
    const exact_bytes bytes(with_tags("04 01 08 0000000000000007 05 02 aabb 7f 00 80 01 01 cc"));
    const auto view = kwire::parse_view<response>(bytes.span(), 3);
    REQUIRE(view);
    CHECK(view->finalized_features_epoch() == 7);
    const auto tags = kwire::unknown_tags(*view);
    CHECK_FALSE(tags.empty());
    std::vector<std::pair<std::uint32_t, std::string>> seen;
    for (const kwire::unknown_tag_view tag : tags) seen.emplace_back(tag.number, to_hex(tag.payload));
    CHECK(seen == decltype(seen){{5, "aabb"}, {127, ""}, {128, "cc"}});
    CHECK(std::ranges::distance(tags) == 3);
    auto it = tags.begin();
    const auto first = it++;
    CHECK(first == tags.begin());
    CHECK(it != first);
    CHECK((*first).number == 5);
}

TEST_CASE("the greatest number of a tag that fits is a number like others") {
    const exact_bytes bytes(with_tags("01 ff ff ff ff 0f 01 dd"));
    const auto view = kwire::parse_view<response>(bytes.span(), 3);
    REQUIRE(view);
    CHECK((*kwire::unknown_tags(*view).begin()).number == 0xffffffff);
}

TEST_CASE("versions without tags have none to show") {
    const exact_bytes bytes(from_hex("0000 00000000"));
    const auto view = kwire::parse_view<response>(bytes.span(), 0);
    REQUIRE(view);
    CHECK(kwire::unknown_tags(*view).empty());
    CHECK(kwire::unknown_tag_range().empty());
}

TEST_CASE("tag sections that no correct peer writes are refused") {
    CHECK(refusal("02 05 00 05 00") == errc::duplicate_tag);
    CHECK(refusal("02 01 08 0000000000000007 01 08 0000000000000007") == errc::duplicate_tag);
    CHECK(refusal("02 06 00 05 00") == errc::tag_order);
    CHECK(refusal("ff ff ff ff 0f") == errc::count_exceeds_input);
    CHECK(refusal("01") == errc::count_exceeds_input);
    CHECK(refusal("01 05 03 aabb") == errc::truncated);
    CHECK(refusal("01 01 07 00000000000007") == errc::tag_size_mismatch);
    CHECK(refusal("01 01 09 000000000000000007") == errc::tag_size_mismatch);
    CHECK(refusal("01 01 00") == errc::tag_size_mismatch);
    CHECK(refusal("ff ff ff ff ff 01") == errc::bad_varint);
    CHECK(refusal("01 ff ff ff ff 7f 00") == errc::bad_varint);
}

TEST_CASE("a tag that the schema knows at other versions only is refused by its name") {
    // Fetch request v12 with tag 1, ReplicaState, which is there from version 15 on.
    const exact_bytes bytes(
        from_hex("ffffffff 00000000 00000000 00000000 00 00000000 00000000 01 01 01 01 01 00"));
    const auto view = kwire::parse_view<kwire::fetch_request>(bytes.span(), 12);
    REQUIRE(!view);
    CHECK(view.error().code == errc::tag_not_in_version);
    const auto path = kwire::path_of(view.error());
    CHECK(path.view() == "replica_state");
}
