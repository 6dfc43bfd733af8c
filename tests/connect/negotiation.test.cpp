#include <kwire/connect/negotiation.hpp>
#include <kwire/error_text.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

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

TEST_CASE("a broker answers what Kafka accepts of a client: spare bytes, and tags in any order") {
    CHECK(answer_to("0012 0003 00000007 ffff 00 066b77697265 023100 00").starts_with("0000"));
    CHECK(answer_to("0012 0003 00000007 ffff 00 0261 0261 02 0701aa 0501bb").starts_with("0000"));
    CHECK(answer_to("0012 0003 00000007 ffff 00 0261 0261 02 0701aa 05") == "truncated");
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
    CHECK(ours.highest(api_key::produce, {0, 9}) == 9);
    CHECK_FALSE(ours.highest(api_key::produce, {13, 20}));
    CHECK_FALSE(ours.highest(api_key::metadata));
    CHECK_FALSE(ours.highest(api_key::fetch));
    CHECK_FALSE(ours.highest(static_cast<api_key>(1234)));
    CHECK_FALSE(ours.highest(static_cast<api_key>(-1)));
    const kwire::common_versions known(theirs.view);
    CHECK(known.highest(api_key::metadata) == 13);
    CHECK_FALSE(kwire::common_versions().highest(api_key::produce));
}

TEST_CASE("a client chooses the version of a message, or learns which one the broker does not speak") {
    // Produce 0-12, ApiVersions 0-4, Metadata 13-14
    const answer theirs("0000 00000003 0000 0000 000c 0012 0000 0004 0003 000d 000e");
    const kwire::common_versions ours(theirs.view);
    CHECK(ours.choose<kwire::produce_request>() == std::int16_t{12});
    CHECK(ours.choose<kwire::produce_response>() == std::int16_t{12});
    CHECK(ours.choose<kwire::produce_request>({3, 9}) == std::int16_t{9});
    CHECK(ours.choose<kwire::metadata_request>() == std::int16_t{13}); // the newest of kwire
    CHECK(kwire::to_string(ours.choose<kwire::produce_request>({13, 20}).error()) ==
          "ProduceRequest: unsupported_version");
    CHECK(kwire::to_string(ours.choose<kwire::metadata_request>({0, 12}).error()) ==
          "MetadataRequest: unsupported_version");
    CHECK_FALSE(kwire::common_versions().choose<kwire::produce_request>());
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
    CHECK(passed.lowered.empty());
    const auto written = kwire::encode<api_versions_response>(passed.body, 3);
    REQUIRE(written);
    CHECK(written->to_bytes() == frame_of("0000 03 0000 0000 000d 00 0003 0004 000c 00 00000005"
                                          "02 01 08 0000000000000007 09 02 c0ff"));
}

TEST_CASE("clamp restricts the fallback response too, so that the client retries in a common version") {
    const answer theirs("0023 00000001 0012 0000 0005");
    const auto passed = kwire::clamp(theirs.view, served).body;
    CHECK(passed.error_code == kwire::error_code::unsupported_version);
    REQUIRE(passed.api_keys.size() == 1);
    CHECK(passed.api_keys[0].max_version == 4);
}

namespace {

/// All APIs of kwire, but `api` up to `last` only; without it if `last` is negative.
std::vector<api_range> all_but(api_key api, std::int16_t last) {
    std::vector<api_range> table(kwire::known_apis.begin(), kwire::known_apis.end());
    std::erase_if(table, [&](const api_range& one) { return one.api == api && last < 0; });
    for (api_range& one : table)
        if (one.api == api) one.versions.last = last;
    return table;
}

/// What a broker of Kafka 4.4 answers, as clamp changes it for a proxy with `ours`: "name=level" of each
/// feature that is left, finalized and supported, and what was lowered.
struct features {
    explicit features(std::span<const api_range> ours,
                      std::span<const api_range> theirs = kwire::known_apis) {
        api_versions_response::data broker;
        for (const api_range& one : theirs)
            broker.api_keys.push_back(
                {.api_key = one.api, .min_version = one.versions.first, .max_version = one.versions.last});
        const std::pair<const char*, std::int16_t> levels[] = {{"eligible.leader.replicas.version", 1},
                                                               {"group.version", 1},
                                                               {"kraft.version", 1},
                                                               {"metadata.version", 30},
                                                               {"share.version", 2},
                                                               {"streams.version", 1},
                                                               {"transaction.version", 2},
                                                               {"my.future.version", 2}};
        for (const auto& [name, level] : levels) {
            const auto first = static_cast<std::int16_t>(name == std::string("metadata.version") ? 7 : 0);
            broker.supported_features.push_back({.name = name, .min_version = first, .max_version = level});
            broker.finalized_features.push_back(
                {.name = name, .max_version_level = level, .min_version_level = level});
        }
        const auto bytes = kwire::encode<api_versions_response>(broker, 4)->to_bytes();
        const auto passed = kwire::clamp(*kwire::parse_view<api_versions_response>(bytes.span(), 4), ours);
        for (const auto& one : passed.body.finalized_features) {
            finalized[one.name] = one.max_version_level;
            CHECK(one.min_version_level <= one.max_version_level);
        }
        for (const auto& one : passed.body.supported_features) {
            supported[one.name] = one.max_version;
            CHECK(one.min_version <= one.max_version);
        }
        for (const auto& one : passed.lowered)
            lowered += (one.finalized ? "" : "supported ") + one.name + " " + std::to_string(one.from) + ">" +
                       std::to_string(one.to) + " ";
    }

    std::map<std::string, int> finalized, supported;
    std::string lowered;
};

} // namespace

TEST_CASE("clamp lowers transaction.version where it takes away what level 2 needs of a producer (KIP-890)") {
    const std::pair<api_key, std::int16_t> caps[] = {{api_key::produce, 11},
                                                     {api_key::end_txn, 4},
                                                     {api_key::txn_offset_commit, 4},
                                                     {api_key::produce, 3}};
    for (const auto& [api, last] : caps) {
        INFO(kwire::facts_of(api).name << " v" << last);
        const features passed(all_but(api, last));
        CHECK(passed.finalized.at("transaction.version") == 1);
        CHECK(passed.supported.at("transaction.version") == 1);
        CHECK(passed.lowered == "supported transaction.version 2>1 transaction.version 2>1 ");
        CHECK(passed.finalized.size() == 8);
    }
    // Of AddPartitionsToTxn clients use v3 at most, and brokers alone the others.
    for (const auto& [api, last] : {std::pair<api_key, std::int16_t>{api_key::produce, 12},
                                    {api_key::end_txn, 5},
                                    {api_key::add_partitions_to_txn, 3}}) {
        INFO(kwire::facts_of(api).name << " v" << last);
        const features passed(all_but(api, last));
        CHECK(passed.finalized.at("transaction.version") == 2);
        CHECK(passed.lowered.empty());
    }
}

TEST_CASE("clamp leaves out features whose APIs it takes away, and keeps all others") {
    const std::pair<api_key, std::string> owners[] = {
        {api_key::consumer_group_heartbeat, "group.version"},  {api_key::share_fetch, "share.version"},
        {api_key::share_group_heartbeat, "share.version"},     {api_key::share_acknowledge, "share.version"},
        {api_key::streams_group_heartbeat, "streams.version"}, {api_key::add_raft_voter, "kraft.version"}};
    for (const auto& [api, feature] : owners) {
        INFO(feature);
        const features passed(all_but(api, -1));
        CHECK_FALSE(passed.finalized.contains(feature));
        CHECK_FALSE(passed.supported.contains(feature));
        CHECK(passed.finalized.size() == 7);
        CHECK(passed.lowered.ends_with(" " + feature + (feature == "share.version" ? " 2>0 " : " 1>0 ")));
    }
    const features none({});
    CHECK(none.finalized == std::map<std::string, int>{{"eligible.leader.replicas.version", 1},
                                                       {"metadata.version", 30},
                                                       {"my.future.version", 2},
                                                       {"transaction.version", 1}});
    CHECK(features(kwire::known_apis).lowered.empty());
}

TEST_CASE("clamp's work grows with features and APIs, not with their product") {
    api_versions_response::data broker;
    constexpr std::size_t many = 20'000; // the product would take minutes
    broker.supported_features.resize(many, {.name = "kraft.version", .min_version = 0, .max_version = 1});
    broker.api_keys.resize(many, {.api_key = api_key::remove_raft_voter, .min_version = 0, .max_version = 0});
    const auto bytes = kwire::encode<api_versions_response>(broker, 4)->to_bytes();
    const auto view = kwire::parse_view<api_versions_response>(bytes.span(), 4);
    REQUIRE(view);
    CHECK(kwire::clamp(*view).lowered.empty());
    const auto passed = kwire::clamp(*view, served);
    CHECK(passed.body.supported_features.empty());
    CHECK(passed.body.api_keys.empty());
    CHECK(passed.lowered.size() == many);
}

TEST_CASE("clamp lowers no feature for an API that the broker does not offer itself, as a controller") {
    const auto controller = all_but(api_key::produce, -1);
    CHECK(features(all_but(api_key::produce, 3), controller).lowered.empty());
}
