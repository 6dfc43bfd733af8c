#include <kwire/connect/negotiation.hpp>

#include <string>

#include "catch.hpp"
#include "support/bytes.hpp"

using kwire::api_key;
using kwire::api_range;
using kwire::api_versions_response;
using kwire::error_code;
using kwire::shared_buffer;
using kwire::test::from_hex;

namespace {

constexpr api_range served[] = {
    {api_key::produce, {0, 13}},
    {api_key::metadata, {4, 12}},
    {api_key::api_versions, {0, 4}},
};

shared_buffer frame_of(std::string_view hex) { return shared_buffer::copy_of(from_hex(hex)); }

/// The body of the response to a request frame, as on the wire, without length and header.
std::string answer_to(std::string_view hex, std::span<const api_range> table = served) {
    const auto request = kwire::parse_request_frame(frame_of(hex));
    REQUIRE(request);
    const auto answer = kwire::answer_api_versions(*request, table);
    if (!answer) return std::string(name_of(answer.error().code));
    const auto written =
        kwire::encode_response<api_versions_response>(answer->body, answer->version, 7)->to_bytes();
    return kwire::test::to_hex(written.span().subspan(8));
}

/// A response as a client sees it.
struct answer {
    explicit answer(std::string_view hex, int version = 0)
        : body(frame_of(hex)), view(*kwire::parse_view<api_versions_response>(body.span(), version)) {}

    shared_buffer body;
    api_versions_response::view view;
};

} // namespace

TEST_CASE("a broker answers every ApiVersions version that it supports in that version") {
    CHECK(answer_to("0012 0000 00000007 ffff") == "00000000000300000000000d00030004000c001200000004");
    CHECK(answer_to("0012 0002 00000007 ffff") == "00000000000300000000000d00030004000c00120000000400000000");
    CHECK(answer_to("0012 0003 00000007 0003 616263 00 066b77697265 023100") ==
          "00000400000000000d0000030004000c000012000000040000000000"
          "00");
}

TEST_CASE("a response with one API in version 3 has the bytes that Kafka's own class writes") {
    constexpr api_range alone[] = {{api_key::api_versions, {0, 4}}};
    CHECK(answer_to("0012 0003 00000007 0003 616263 00 066b77697265 023100", alone) ==
          "000002001200000004000000000000");
}

TEST_CASE(
    "a broker answers unsupported versions in version 0, with its range, and does not read their bodies") {
    const std::string fallback = "002300000001001200000004";
    CHECK(answer_to("0012 0005 00000007 0003 616263 00 066b77697265 023100 00 ffffffff 00") == fallback);
    CHECK(answer_to("0012 0063 00000007 ffff 00 c0ffee") == fallback);
    CHECK(answer_to("0012 7fff 00000007 ffff 00") == fallback);
    CHECK(answer_to("0012 ffff 00000007 ffff") == fallback);
    constexpr api_range silent[] = {{api_key::produce, {0, 13}}};
    CHECK(answer_to("0012 0000 00000007 ffff", silent) == "002300000000"); // as before Kafka 2.4
}

TEST_CASE("a broker refuses clients whose name or version is malformed (KIP-511)") {
    // an empty name, an empty version, a blank, a hyphen at the end
    for (const std::string_view body :
         {"01 0231 00", "066b77697265 01 00", "0361 20 0231 00", "0361 2d 0231 00"}) {
        INFO(body);
        CHECK(answer_to("0012 0003 00000007 ffff 00" + std::string(body)) == "002a010000000000");
    }
    CHECK(answer_to("0012 0003 00000007 ffff 00 04612d62 0231 00").starts_with("0000"));
    CHECK(answer_to("0012 0003 00000007 ffff 00 0a6b77") == "truncated");
    CHECK(answer_to("0012 0003 00000007 ffff 00 0261 0231 00 0000")
              .starts_with("0000")); // librdkafka's trailing bytes
}

TEST_CASE("a client retries in the highest common version") {
    const answer four("0023 00000001 0012 0000 0004");
    CHECK(kwire::retry_version(four.view, 5) == 4);
    CHECK(kwire::retry_version(four.view, 5, {0, 3}) == 3);
    CHECK(kwire::retry_version(four.view, 99) == 4);
    const answer nothing("0023 00000000");
    CHECK(kwire::retry_version(nothing.view, 4) == 0);
    CHECK_FALSE(kwire::retry_version(nothing.view, 0));
}

TEST_CASE("a client's retries end, whatever the broker answers") {
    const answer lying("0023 00000001 0012 0000 0004");
    CHECK(kwire::retry_version(lying.view, 4) == 0); // the version that was just refused
    CHECK_FALSE(kwire::retry_version(lying.view, 0));
    const answer absurd("0023 00000003 0003 0000 0004 0012 7fff 8000 0012 0009 0063");
    CHECK(kwire::retry_version(absurd.view, 5) == 0);
    CHECK_FALSE(kwire::retry_version(absurd.view, 5, {3, 5}));
    const answer fine("0000 00000001 0012 0000 0004");
    CHECK_FALSE(kwire::retry_version(fine.view, 5));
    const answer invalid("002a 00000000");
    CHECK_FALSE(kwire::retry_version(invalid.view, 5));
}

TEST_CASE("common_versions are the overlap of both sides' ranges") {
    // Produce 0-12, Metadata 13-14, ApiVersions 0-4, unknown keys 1234 and -1, Fetch with min > max
    const answer theirs(
        "0000 00000006 0000 0000 000c 0003 000d 000e 0012 0000 0004 04d2 0000 0001 ffff 0000 0001"
        "0001 0004 0003");
    const kwire::common_versions ours(theirs.view, served);
    CHECK(ours.of(api_key::produce) == kwire::version_range{0, 12});
    CHECK(ours.highest(api_key::produce) == 12);
    CHECK_FALSE(ours.highest(api_key::metadata));
    CHECK_FALSE(ours.highest(api_key::fetch));
    CHECK_FALSE(ours.highest(static_cast<api_key>(1234)));
    CHECK_FALSE(ours.highest(static_cast<api_key>(-1)));
    const kwire::common_versions known(theirs.view);
    CHECK(known.highest(api_key::metadata) == 13);
    CHECK_FALSE(kwire::common_versions().highest(api_key::produce));
}

TEST_CASE("known_apis lists every API with all its versions") {
    for (const api_range& one : kwire::known_apis) {
        CHECK(kwire::facts_of(one.api).assigned);
        CHECK(one.versions.first == kwire::facts_of(one.api).first_version);
        CHECK(one.versions.last == kwire::facts_of(one.api).last_version);
    }
    CHECK(kwire::known_apis[18].versions == kwire::api_versions_response::facts.versions);
}

TEST_CASE("clamp keeps the common versions, and everything else unchanged") {
    // v3: Produce 0-15, Metadata 0-13, key 1234; throttled; a finalized epoch, and an unknown tag 9
    const answer theirs("0000 04 0000 0000 000f 00 0003 0000 000d 00 04d2 0000 0001 00 00000005"
                        "02 01 08 0000000000000007 09 02 c0ff",
                        3);
    const auto passed = kwire::clamp(theirs.view, served);
    const auto written = kwire::encode<api_versions_response>(passed, 3);
    REQUIRE(written);
    CHECK(written->to_bytes() == frame_of("0000 03 0000 0000 000d 00 0003 0004 000c 00 00000005"
                                          "02 01 08 0000000000000007 09 02 c0ff"));
}

TEST_CASE("clamp restricts the fallback response too, so that the client retries in a common version") {
    const answer theirs("0023 00000001 0012 0000 0005");
    const auto passed = kwire::clamp(theirs.view, served);
    CHECK(passed.error_code == kwire::error_code::unsupported_version);
    REQUIRE(passed.api_keys.size() == 1);
    CHECK(passed.api_keys[0].max_version == 4);
}
