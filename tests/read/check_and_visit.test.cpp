#include <kwire/messages/fetch.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/offset_commit.hpp>
#include <kwire/read/check_and_visit.hpp>
#include <kwire/write/encode.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/count_allocations.hpp"

using kwire::errc;
using kwire::fetch_response;
using kwire::metadata_response;
using kwire::test::exact_bytes;

namespace {

metadata_response::topic::data topic_of(std::string name, std::vector<std::int32_t> leaders) {
    metadata_response::topic::data topic{.name = std::move(name)};
    for (const std::int32_t leader : leaders)
        topic.partitions.push_back({.partition_index = static_cast<std::int32_t>(topic.partitions.size()),
                                    .leader_id = leader,
                                    .replica_nodes = {1, 2, 3}});
    return topic;
}

template <class M>
exact_bytes encoded(const typename M::data& data, int version) {
    const kwire::shared_buffer bytes = kwire::encode<M>(data, version).value().to_bytes();
    return exact_bytes(bytes.span());
}

exact_bytes metadata(int version) {
    return encoded<metadata_response>(
        {.brokers = {{.node_id = 1, .host = "a", .port = 9092}},
         .cluster_id = "c",
         .topics = {topic_of("one", {1, 2}), topic_of("none", {}), topic_of("two", {3})}},
        version);
}

using topic = metadata_response::topic::view;
using partition = metadata_response::partition::view;

} // namespace

TEST_CASE("a struct comes before those in it, with the fields known so far, and after them as a whole") {
    const exact_bytes body = metadata(12);
    std::string order;
    const auto response = kwire::check_and_visit<metadata_response>(
        body.span(), 12,
        kwire::overloaded{
            [&](const kwire::before<"brokers", metadata_response::view>& view) {
                order += "throttled " + std::to_string(view.throttle_time_ms()) + "; ";
            },
            [&](const metadata_response::broker::view& broker) {
                order += std::string(broker.host()) + "; ";
            },
            [&](const kwire::before<"topics", metadata_response::view>& view) {
                order += std::string(*view.cluster_id()) + "; ";
            },
            [&](const kwire::before<"partitions", topic>& front) {
                CHECK(kwire::version_of(front) == 12);
                order += std::string(*front.name()) + ":";
            },
            [&](const partition& view) { order += " " + std::to_string(view.leader_id()); },
            [&](const topic& whole) { order += " of " + std::to_string(whole.partitions().size()) + "; "; },
            [&](const metadata_response::view& view) { order += std::to_string(view.topics().size()); },
        });
    REQUIRE(response);
    CHECK(order == "throttled 0; a; c; one: 1 2 of 2; none: of 0; two: 3 of 1; 3");
    CHECK(response->topics().size() == 3);
    CHECK(kwire::bytes_of(*response).size() == body.span().size());
}

TEST_CASE("a sum per topic needs the partitions and their topic only") {
    const exact_bytes body = metadata(9);
    std::vector<std::pair<std::string_view, std::int32_t>> sums;
    std::int32_t sum = 0;
    const auto response = kwire::check_and_visit<metadata_response, 9>(
        body.span(),
        kwire::overloaded{
            [&](const metadata_response::partition::basic_view<9>& view) { sum += view.leader_id(); },
            [&](const metadata_response::topic::basic_view<9>& view) {
                sums.emplace_back(*view.name(), std::exchange(sum, 0));
            },
        });
    REQUIRE(response);
    static_assert(std::is_same_v<decltype(response)::value_type, metadata_response::basic_view<9>>);
    CHECK(sums ==
          std::vector<std::pair<std::string_view, std::int32_t>>{{"one", 3}, {"none", 0}, {"two", 3}});
}

TEST_CASE("views that the visitor was given stay valid while the bytes are") {
    for (const int version : {0, 8, 9, 12}) {
        CAPTURE(version);
        const exact_bytes body = metadata(version);
        std::vector<partition> kept;
        std::vector<kwire::before<"partitions", topic>> fronts;
        const auto response = kwire::check_and_visit<metadata_response>(
            body.span(), version,
            kwire::overloaded{
                [&](const partition& view) { kept.push_back(view); },
                [&](const kwire::before<"partitions", topic>& front) { fronts.push_back(front); },
            });
        REQUIRE(response);
        REQUIRE(kept.size() == 3);
        CHECK(kept[1].leader_id() == 2);
        CHECK(kept[1].replica_nodes()[2] == 3);
        CHECK(kept[2].isr_nodes().empty());
        REQUIRE(fronts.size() == 3);
        CHECK(fronts[0].name() == "one");
        CHECK(fronts[2].name() == "two");
    }
}

TEST_CASE("what was seen before a defect is of sound structs, and the message itself does not come") {
    const exact_bytes body = metadata(12);
    for (std::size_t size = 0; size < body.span().size(); ++size) {
        const exact_bytes cut(body.span().first(size));
        std::size_t partitions = 0;
        bool whole = false;
        const auto visitor = kwire::overloaded{
            [&](const partition& view) { partitions += view.replica_nodes().size() == 3 ? 1 : 100; },
            [&](const metadata_response::view&) { whole = true; },
        };
        const auto refused = kwire::check_and_visit<metadata_response>(cut.span(), 12, visitor);
        const auto parsed = kwire::parse_view<metadata_response>(cut.span(), 12);
        REQUIRE(!refused);
        REQUIRE(!parsed);
        CHECK(std::string(kwire::describe(refused.error())) == std::string(kwire::describe(parsed.error())));
        CHECK_FALSE(whole);
        CHECK(partitions <= 3);
        if (size + 1 == body.span().size()) CHECK(partitions == 3);
    }
}

TEST_CASE("a byte too many is refused after all structs but the message, unless it may be there") {
    const exact_bytes body = metadata(12);
    std::vector<std::byte> longer(body.begin(), body.end());
    longer.push_back(std::byte{0});
    int topics = 0;
    int messages = 0;
    const auto visitor = kwire::overloaded{
        [&](const topic&) { ++topics; },
        [&](const metadata_response::view&) { ++messages; },
    };
    const auto refused = kwire::check_and_visit<metadata_response>(longer, 12, visitor);
    REQUIRE(!refused);
    CHECK(refused.error().code == errc::trailing_bytes);
    CHECK(refused.error().offset == body.span().size());
    CHECK(topics == 3);
    CHECK(messages == 0);
    CHECK(kwire::check_and_visit<metadata_response>(longer, 12, visitor, {.trailing_bytes = true}));
    CHECK(topics == 6);
    CHECK(messages == 1);
}

TEST_CASE("versions that there are not, and nothing at all, are refused as by parse") {
    const auto visitor = [](const topic&) {};
    const auto version = kwire::check_and_visit<metadata_response>({}, 99, visitor);
    REQUIRE(!version);
    CHECK(version.error().code == errc::unsupported_version);
    CHECK(version.error().version == 99);
    const auto empty = kwire::check_and_visit<metadata_response>({}, 12, visitor);
    REQUIRE(!empty);
    CHECK(empty.error().code == errc::truncated);
    CHECK(empty.error().version == 12);
}

TEST_CASE("structs in tagged fields come last, and only if the field is set") {
    fetch_response::data data{
        .responses = {{.topic = "t", .partitions = {{.partition_index = 0}, {.partition_index = 1}}}}};
    data.responses[0].partitions[1].current_leader = {.leader_id = 7, .leader_epoch = 3};
    const exact_bytes body = encoded<fetch_response>(data, 12);
    std::string order;
    const auto response = kwire::check_and_visit<fetch_response>(
        body.span(), 12,
        kwire::overloaded{
            [&](const fetch_response::leader_id_and_epoch::view& leader) {
                order += "leader " + std::to_string(leader.leader_id()) + " ";
            },
            [&](const fetch_response::partition_data::view& view) {
                order += "partition " + std::to_string(view.partition_index()) + " ";
            },
        });
    REQUIRE(response);
    CHECK(order == "partition 0 leader 7 partition 1 ");
}

TEST_CASE(
    "tags that only a leniency lets pass are found in the message that is handed over as in that of parse") {
    const exact_bytes plain = encoded<kwire::fetch_request>({.max_wait_ms = 7}, 18);
    std::vector<std::byte> start(plain.span().begin(), plain.span().end());
    REQUIRE(start.back() == std::byte{0}); // no tags
    start.pop_back();
    const auto with_tags = [&](std::initializer_list<int> tags) {
        std::vector<std::byte> body = start;
        for (const int byte : tags) body.push_back(static_cast<std::byte>(byte));
        return body;
    };
    // cluster_id, which claims 256 MiB more than its "c", then replica_state; and replica_state twice.
    const auto wrong_size =
        with_tags({2, 0, 0xff, 0xff, 0xff, 0x7f, 2, 'c', 1, 13, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 9, 0});
    const auto twice = with_tags(
        {2, 1, 13, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 13, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 9, 0});
    const auto regular = with_tags({2, 0, 2, 2, 'c', 1, 13, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 9, 0});
    for (const auto& [bytes, replica] : {std::pair{wrong_size, 7}, {twice, 8}, {regular, 7}}) {
        const exact_bytes body(bytes);
        const auto options = kwire::parse_options::as_kafka();
        const auto ignore = [](const kwire::fetch_request::view&) {};
        const auto ignore_fixed = [](const kwire::fetch_request::basic_view<18>&) {};
        std::int32_t handed_over = 0;
        const auto look = [&](const kwire::fetch_request::view& request) {
            handed_over = request.replica_state().replica_id();
        };
        CHECK(
            kwire::parse_view<kwire::fetch_request>(body.span(), 18, options)->replica_state().replica_id() ==
            replica);
        CHECK(
            kwire::parse_view<kwire::fetch_request, 18>(body.span(), options)->replica_state().replica_id() ==
            replica);
        CHECK(kwire::check_and_visit<kwire::fetch_request>(body.span(), 18, ignore, options)
                  ->replica_state()
                  .replica_id() == replica);
        CHECK(kwire::check_and_visit<kwire::fetch_request, 18>(body.span(), ignore_fixed, options)
                  ->replica_state()
                  .replica_id() == replica);
        REQUIRE(kwire::check_and_visit<kwire::fetch_request>(body.span(), 18, look, options).has_value());
        CHECK(handed_over == replica);
    }
}

TEST_CASE("a field of structs that the version lacks is not announced") {
    const exact_bytes old = encoded<fetch_response>({.responses = {{.topic = "t", .partitions = {{}}}}}, 0);
    const exact_bytes later = encoded<fetch_response>({.responses = {{.topic = "t", .partitions = {{}}}}}, 4);
    int fronts = 0;
    const auto visitor =
        [&](const kwire::before<"aborted_transactions", fetch_response::partition_data::view>&) { ++fronts; };
    CHECK(kwire::check_and_visit<fetch_response>(old.span(), 0, visitor));
    CHECK(fronts == 0);
    CHECK(kwire::check_and_visit<fetch_response>(later.span(), 4, visitor)); // null, but there
    CHECK(fronts == 1);
}

TEST_CASE("the visitor may be const, or a temporary, and what it throws passes through") {
    const exact_bytes body = metadata(12);
    int topics = 0;
    const auto count = [&topics](const topic&) { ++topics; };
    CHECK(kwire::check_and_visit<metadata_response>(body.span(), 12, count));
    CHECK(kwire::check_and_visit<metadata_response>(body.span(), 12, [&topics](const topic&) { ++topics; }));
    CHECK(topics == 6);
    const auto stop = [](const partition& view) {
        if (view.leader_id() == 2) throw view.partition_index();
    };
    const auto visit = [&] {
        static_cast<void>(kwire::check_and_visit<metadata_response>(body.span(), 12, stop));
    };
    CHECK_THROWS_AS(visit(), std::int32_t);
}

TEST_CASE("one function can take the structs of several types") {
    const exact_bytes body = metadata(12);
    std::size_t bytes = 0;
    const auto sizes = [&](const kwire::whole_view auto& view) { bytes += kwire::bytes_of(view).size(); };
    REQUIRE(kwire::check_and_visit<metadata_response>(body.span(), 12, sizes));
    CHECK(bytes > body.span().size());
    static_assert(!kwire::whole_view<kwire::before<"partitions", topic>>);
}
