#include <kwire/connect/frame.hpp>
#include <kwire/messages/consumer_group_describe.hpp>
#include <kwire/messages/create_topics.hpp>
#include <kwire/messages/delete_topics.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/write/encode.hpp>
#include <kwire/write/splice.hpp>
#include <kwire/write/to_data.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/fail_allocations.hpp"

using kwire::errc;
using kwire::splice;
using kwire::test::from_hex;
using kwire::test::to_hex;

namespace {

using response = kwire::metadata_response;
using fetch = kwire::fetch_response;

template <class M>
kwire::message<M> message_of(const typename M::data& data, int version) {
    return kwire::parse<M>(kwire::encode<M>(data, version).value().to_bytes(), version).value();
}
response::data cluster() {
    return {.brokers = {{.node_id = 1, .host = "a", .port = 9092}, {.node_id = 2, .host = "b", .port = 9093}},
            .cluster_id = "c",
            .topics = {{.name = "t0"}, {.name = "t1"}, {.name = "t2"}}};
}
template <class M>
kwire::message<M> applied(splice& edits, int version) {
    return kwire::parse<M>(edits.apply().value().to_bytes(), version).value();
}
std::string names(const kwire::message<response>& of) {
    std::string all;
    for (const auto topic : of->topics()) all += std::string(topic.name().value_or("null")) + ' ';
    return all;
}
std::string failure(splice& edits) {
    const auto result = edits.apply();
    return result ? "none" : std::string(kwire::describe(result.error()));
}

} // namespace

TEST_CASE("text, numbers and null are set in structs, and everything else is the original by reference") {
    const auto message = message_of<response>(cluster(), 12);
    splice edits(message);
    for (const auto broker : message->brokers()) {
        kwire::set<"host">(edits, broker, "proxy.example");
        kwire::set<"port">(edits, broker, broker.port() + 1000);
        kwire::set<"rack">(edits, broker, "r1");
    }
    kwire::set<"cluster_id">(edits, message, std::nullopt);
    CHECK(!edits.empty());
    const auto chain = edits.apply().value();
    CHECK(edits.empty());

    response::data expected = cluster();
    for (auto& broker : expected.brokers) {
        broker.host = "proxy.example";
        broker.port += 1000;
        broker.rack = "r1";
    }
    expected.cluster_id = std::nullopt;
    CHECK(chain == kwire::encode(expected, 12).value());
    std::size_t original = 0;
    for (const kwire::chain_segment& segment : chain)
        if (segment.buffer().shares_memory_with(message.buffer())) original += segment.size();
    // Host, port and rack of both brokers, and the cluster id, are new.
    CHECK(chain.size() - original == 2 * (14 + 4 + 3) + 1);
}

TEST_CASE("a splice without edits is the original buffer") {
    const auto message = message_of<response>(cluster(), 12);
    const auto chain = splice(message).apply().value();
    REQUIRE(chain.segment_count() == 1);
    CHECK(chain.segments()[0].data() == message.buffer().data());
}

TEST_CASE("elements are inserted, erased and reordered by their original positions") {
    const auto message = message_of<response>(cluster(), 12);
    splice edits(message);
    const auto edited = [&] { return names(applied<response>(edits, 12)); };

    kwire::erase<"topics">(edits, message, 1);
    CHECK(edited() == "t0 t2 ");
    kwire::erase<"topics">(edits, message, 0);
    kwire::erase<"topics">(edits, message, 0);
    kwire::erase<"topics">(edits, message, 2);
    CHECK(edited() == "t1 ");
    kwire::insert<"topics">(edits, message, 3, {.name = "end"});
    kwire::insert<"topics">(edits, message, 0, {.name = "first"});
    kwire::insert<"topics">(edits, message, 0, {.name = "second"});
    kwire::erase<"topics">(edits, message, 0);
    CHECK(edited() == "first second t1 t2 end ");
    const std::size_t order[] = {2, 0, 1};
    kwire::reorder<"topics">(edits, message, order);
    kwire::insert<"topics">(edits, message, 0, {.name = "before t0"});
    kwire::insert<"topics">(edits, message, 3, {.name = "end"});
    kwire::erase<"topics">(edits, message, 1);
    CHECK(edited() == "t2 before t0 t0 end ");
    kwire::set_element<"topics">(edits, message, 1, {.name = "other"});
    CHECK(edited() == "t0 other t2 ");
    kwire::set_element<"topics">(edits, message, 1, {.name = "first"});
    kwire::set_element<"topics">(edits, message, 1, {.name = "second"});
    CHECK(edited() == "t0 second t2 ");
    kwire::set_element<"topics">(edits, message, 1, {.name = "early"});
    kwire::erase<"topics">(edits, message, 1);
    kwire::set_element<"topics">(edits, message, 1, {.name = "too late"});
    CHECK(edited() == "t0 t2 "); // what is erased is gone
}

TEST_CASE("elements that stay keep the edits in them, in whatever order they come out") {
    const auto message = message_of<response>(cluster(), 12);
    splice edits(message);
    std::size_t i = 0;
    for (const auto topic : message->topics())
        kwire::set<"name">(edits, topic, "renamed " + std::to_string(i++));
    const std::size_t order[] = {2, 1, 0};
    kwire::reorder<"topics">(edits, message, order);
    kwire::erase<"topics">(edits, message, 1);
    CHECK(names(applied<response>(edits, 12)) == "renamed 2 renamed 0 ");
}

TEST_CASE("the later of two edits of a field counts, and edits inside of what is replaced have no effect") {
    const auto message = message_of<response>(cluster(), 12);
    splice edits(message);
    const auto first = *message->topics().begin();
    kwire::set<"name">(edits, first, "once");
    kwire::set<"name">(edits, first, "twice");
    CHECK(names(applied<response>(edits, 12)) == "twice t1 t2 ");
    kwire::set<"name">(edits, first, "lost");
    kwire::set<"topics">(edits, message, {{{.name = "all"}}});
    kwire::set<"name">(edits, first, "lost as well");
    kwire::erase<"topics">(edits, message, 2);
    CHECK(names(applied<response>(edits, 12)) == "all ");
}

TEST_CASE("a struct that is replaced is replaced whole, also where its first field has edits of its own") {
    using describe = kwire::consumer_group_describe_response;
    describe::data data{.groups = {{.members = {{}}}}};
    describe::assignment::data& assigned = data.groups[0].members[0].assignment;
    assigned = {.topic_partitions = {{.topic_name = "old", .partitions = {1}}}};
    const auto message = message_of<describe>(data, 0);
    assigned = {.topic_partitions = {{.topic_name = "new", .partitions = {2, 3}}}};
    const auto expected = kwire::encode(data, 0).value();
    for (const bool inner_first : {false, true}) {
        splice edits(message);
        for (const auto group : message->groups())
            for (const auto member : group.members()) {
                if (inner_first) kwire::erase<"topic_partitions">(edits, member.assignment(), 0);
                kwire::set<"assignment">(edits, member, assigned);
                if (!inner_first) kwire::set<"topic_partitions">(edits, member.assignment(), {});
            }
        CHECK(edits.apply().value() == expected);
    }
}

TEST_CASE("counts grow from one byte to two, and in versions without compact lengths stay four") {
    for (const int version : {8, 12}) {
        const auto message = message_of<response>(cluster(), version);
        splice edits(message);
        for (int i = 0; i < 300; ++i) kwire::insert<"topics">(edits, message, 3, {.name = std::to_string(i)});
        const auto result = applied<response>(edits, version);
        CHECK(result->topics().size() == 303);
        response::data expected = cluster();
        for (int i = 0; i < 300; ++i) expected.topics.push_back({.name = std::to_string(i)});
        const auto bytes = kwire::encode(expected, version).value().to_bytes();
        CHECK(to_hex(result.bytes()) == to_hex(bytes.span()));
    }
}

TEST_CASE("tagged fields are added, changed and dropped, and the sizes of the tags around an edit follow") {
    fetch::data data{.responses = {{.partitions = {{.partition_index = 3}, {.partition_index = 4}}}},
                     .node_endpoints = {{.node_id = 1, .host = "a", .port = 1}}};
    data.responses[0].partitions[1].current_leader = {.leader_id = 1, .leader_epoch = 2};
    data.responses[0].partitions[1].unknown_tags.push_back(
        {.number = 9, .payload = kwire::shared_buffer::copy_of(from_hex("0102"))});
    const auto message = message_of<fetch>(data, 16);
    splice edits(message);
    for (const auto endpoint : message->node_endpoints())
        kwire::set<"host">(edits, endpoint, std::string(200, 'h')); // the tag's size grows by a byte
    data.node_endpoints[0].host = std::string(200, 'h');
    for (const auto topic : message->responses())
        for (const auto partition : topic.partitions()) {
            if (partition.partition_index() == 3)
                kwire::set<"diverging_epoch">(edits, partition, {.epoch = 5, .end_offset = 6});
            else
                kwire::set<"current_leader">(edits, partition, {});
        }
    data.responses[0].partitions[0].diverging_epoch = {.epoch = 5, .end_offset = 6};
    data.responses[0].partitions[1].current_leader = {};
    CHECK(edits.apply().value() == kwire::encode(data, 16).value());

    edits.erase_unknown_tags();
    data = kwire::to_data(message);
    data.responses[0].partitions[1].unknown_tags = {};
    CHECK(edits.apply().value() == kwire::encode(data, 16).value());
}

TEST_CASE("records are set by reference") {
    const auto records = kwire::shared_buffer::copy_of(std::vector<std::byte>(100'000, std::byte{7}));
    const auto message = message_of<fetch>({.responses = {{.partitions = {{.partition_index = 3}}}}}, 12);
    splice edits(message);
    for (const auto topic : message->responses())
        for (const auto partition : topic.partitions()) kwire::set<"records">(edits, partition, records);
    const auto chain = edits.apply().value();
    CHECK(chain.size() == message.bytes().size() + 100'000 + 2);
    bool found = false;
    for (const kwire::chain_segment& segment : chain) found = found || segment.data() == records.data();
    CHECK(found);
}

TEST_CASE("a frame is edited as a whole, its header too") {
    const auto sent =
        kwire::encode_request<kwire::metadata_request>({.topics = {{{.name = "t"}}}}, 12, 77, "old").value();
    const auto frame = kwire::without_length(sent.to_bytes()).value();
    const auto request =
        kwire::parse<kwire::metadata_request>(kwire::parse_request_frame(frame).value()).value();
    splice edits(request);
    kwire::set<"client_id">(edits, request.header(), "a new client");
    for (const auto topic : request->topics()) kwire::set<"name">(edits, topic, "prefix.t");
    const auto out = kwire::with_length(edits.apply().value()).value();
    CHECK(out == kwire::encode_request<kwire::metadata_request>({.topics = {{{.name = "prefix.t"}}}}, 12, 77,
                                                                "a new client")
                     .value());
}

TEST_CASE("a view with the owner of its bytes is edited without its neighbours") {
    const auto body = kwire::encode(cluster(), 12).value().to_bytes();
    kwire::unique_buffer around = kwire::unique_buffer::with_capacity(body.size() + 2);
    around.append(from_hex("aa"));
    around.append(body.span());
    around.append(from_hex("bb"));
    const kwire::shared_buffer owner = std::move(around).freeze();
    const auto view = kwire::parse_view<response>(owner.span().subspan(1, body.size()), 12).value();
    splice edits(view, owner);
    kwire::set<"cluster_id">(edits, view, "d");
    response::data expected = cluster();
    expected.cluster_id = "d";
    CHECK(edits.apply().value() == kwire::encode(expected, 12).value());
}

TEST_CASE("lengths that are padded stay as they are where nothing is edited") {
    // Metadata request v12 with a topic count, a tag count and a name length of two bytes each.
    const auto bytes = from_hex("8200"
                                "00000000000000000000000000000000"
                                "820074"
                                "8000"
                                "01"
                                "00"
                                "00");
    const auto message =
        kwire::parse<kwire::metadata_request>(kwire::shared_buffer::copy_of(bytes), 12).value();
    splice edits(message);
    kwire::set<"allow_auto_topic_creation">(edits, message, false);
    const auto edited = applied<kwire::metadata_request>(edits, 12);
    CHECK(to_hex(edited.bytes()) == "8200"
                                    "00000000000000000000000000000000"
                                    "820074"
                                    "8000"
                                    "00"
                                    "00"
                                    "00");
}

TEST_CASE("edits are checked as encoding is, and the first that is refused is what apply returns") {
    const auto message = message_of<response>(cluster(), 8);
    splice edits(message);
    const auto topic = *message->topics().begin();
    kwire::set<"name">(edits, topic, std::nullopt);
    CHECK(failure(edits) == "MetadataResponse v8 name: null_not_allowed");
    kwire::set<"name">(edits, topic, std::string(40'000, 'n'));
    kwire::set<"name">(edits, topic, std::nullopt);
    CHECK(failure(edits) == "MetadataResponse v8 name: string_too_long");
    kwire::set<"topic_id">(edits, topic, kwire::uuid::from_halves(1, 2)); // ignorable
    kwire::set<"error_code">(edits, message, kwire::error_code::none);    // not in v8, but the default
    CHECK(failure(edits) == "none");
    kwire::insert<"topics">(edits, message, 4, {.name = "t"});
    CHECK(failure(edits) == "MetadataResponse v8 topics[4]: bad_value");
    kwire::erase<"topics">(edits, message, 3);
    CHECK(failure(edits) == "MetadataResponse v8 topics[3]: bad_value");
    const std::size_t order[] = {0, 0, 1};
    kwire::reorder<"topics">(edits, message, order);
    CHECK(failure(edits) == "MetadataResponse v8 topics: bad_value");
    kwire::insert<"topics">(edits, message, 0, {.name = std::nullopt});
    CHECK(failure(edits) == "MetadataResponse v8 topics[0].name: null_not_allowed");
    CHECK(failure(edits) == "none");

    const auto other = message_of<response>(cluster(), 8);
    kwire::set<"cluster_id">(edits, other, "c");
    CHECK(failure(edits) == "MetadataResponse v8 cluster_id: field_absent");

    const auto create = message_of<kwire::create_topics_request>({.topics = {{.name = "t"}}}, 0);
    splice creation(create);
    kwire::set<"validate_only">(creation, create, true);
    CHECK(failure(creation) == "CreateTopicsRequest v0 validate_only: field_not_in_version");
}

TEST_CASE("fields in structs that the message does not hold are refused") {
    const auto message = message_of<fetch>({.responses = {{.partitions = {{.partition_index = 3}}}}}, 12);
    splice edits(message);
    for (const auto topic : message->responses())
        for (const auto partition : topic.partitions()) {
            kwire::set<"leader_id">(edits, partition.current_leader(), 7);
            CHECK(failure(edits) == "FetchResponse v12 leader_id: field_absent");
            kwire::erase<"aborted_transactions">(edits, partition, 0);
            CHECK(failure(edits).starts_with("FetchResponse v12 aborted_transactions"));
        }
    const auto all = message_of<kwire::metadata_request>({.topics = std::nullopt}, 12);
    splice none(all);
    kwire::insert<"topics">(none, all, 0, {.name = "t"});
    CHECK(failure(none) == "MetadataRequest v12 topics: field_absent");
}

TEST_CASE("structs that the message does not hold refuse edits, those of their tag sections too") {
    const auto message = message_of<fetch>({.responses = {{.partitions = {{.partition_index = 1}}}}}, 16);
    const auto leader = (*(*message->responses().begin()).partitions().begin()).current_leader();
    splice edits(message);
    kwire::set<"leader_id">(edits, leader, 3);
    CHECK(failure(edits) != "none");
    kwire::erase_unknown_tags(edits, leader);
    CHECK(failure(edits) != "none");
}

TEST_CASE("if memory runs out, a splice can be applied again, and the result is a message") {
    const auto message =
        message_of<fetch>({.responses = {{.partitions = {{.partition_index = 1}}}},
                           .node_endpoints = {{.node_id = 1, .host = "a"}, {.node_id = 2, .host = "b"}}},
                          16);
    struct state {
        splice edits;
        bool first = true;
        std::optional<kwire::buffer_chain> result{};
    };
    const std::size_t order[] = {1, 0};
    const auto outcome = support::fail_each_allocation(support::fallible{
        .prepare = [&] { return state{.edits = splice(message)}; },
        .change =
            [&](state& of) {
                if (std::exchange(of.first, false)) {
                    for (const auto node : message->node_endpoints())
                        kwire::set<"host">(of.edits, node, "longer than before");
                    kwire::reorder<"node_endpoints">(of.edits, message, order);
                }
                of.result = of.edits.apply().value();
            },
        .unchanged = [](const state& of) { return !of.result; },
        .changed =
            [](const state& of) {
                return of.edits.empty() && kwire::parse<fetch>(of.result->to_bytes(), 16).has_value();
            },
    });
    CHECK(outcome.broken == "");
    CHECK((outcome.refused > 0 || !support::counts_allocations));
}

TEST_CASE("elements of a tagged array are erased in time that is linear in their number") {
    fetch::data data;
    constexpr int count = 100'000; // by squares: more than a minute
    for (int i = 0; i < count; ++i) data.node_endpoints.push_back({.node_id = i, .host = "h"});
    const auto message = message_of<fetch>(data, 16);
    splice edits(message);
    for (std::size_t i = 0; i < count; ++i) kwire::erase<"node_endpoints">(edits, message, i);
    const auto edited = applied<fetch>(edits, 16);
    CHECK(edited->node_endpoints().size() == 0);
}

TEST_CASE("elements are set in time that is linear in their number, in whatever order") {
    constexpr std::size_t count = 100'000; // by squares: minutes
    kwire::delete_topics_request::data data;
    for (std::size_t i = 0; i < count; ++i) data.topic_names.emplace_back("t");
    const auto message = message_of<kwire::delete_topics_request>(data, 5);
    splice edits(message);
    for (std::size_t i = count; i-- != 0;)
        kwire::set_element<"topic_names">(edits, message, i, i % 2 == 0 ? "even" : "odd");
    const auto edited = applied<kwire::delete_topics_request>(edits, 5);
    std::size_t i = 0, right = 0;
    for (const auto name : edited->topic_names()) right += name == (i++ % 2 == 0 ? "even" : "odd") ? 1 : 0;
    CHECK(right == count);
}

TEST_CASE("edits inside of an element that is set have no effect, also where it is its only field") {
    // Version 4: a topic is its name and nothing else.
    const auto message =
        message_of<kwire::metadata_request>({.topics = {{{.name = "a"}, {.name = "b"}, {.name = "c"}}}}, 4);
    splice edits(message);
    std::size_t i = 0;
    for (const auto topic : message->topics()) {
        const bool whole_first = i++ % 2 == 0;
        if (whole_first) kwire::set_element<"topics">(edits, message, i - 1, {.name = "whole"});
        kwire::set<"name">(edits, topic, "inside");
        if (!whole_first) kwire::set_element<"topics">(edits, message, i - 1, {.name = "whole"});
    }
    kwire::erase<"topics">(edits, message, 2);
    const auto edited = applied<kwire::metadata_request>(edits, 4);
    std::string all;
    for (const auto topic : edited->topics()) all += std::string(topic.name().value_or("null")) + ' ';
    CHECK(all == "whole whole ");
}

TEST_CASE("elements are set where the array comes out in another order, and the last value counts") {
    const auto message = message_of<response>(cluster(), 12);
    splice edits(message);
    const std::size_t order[] = {2, 0, 1};
    kwire::reorder<"topics">(edits, message, order);
    kwire::set_element<"topics">(edits, message, 0, {.name = "first"});
    kwire::set_element<"topics">(edits, message, 2, {.name = "last"});
    kwire::set_element<"topics">(edits, message, 0, {.name = "again"});
    kwire::set_element<"topics">(edits, message, 1, {.name = "gone"});
    kwire::erase<"topics">(edits, message, 1);
    kwire::insert<"topics">(edits, message, 0, {.name = "new"});
    CHECK(names(applied<response>(edits, 12)) == "last new again ");
}

TEST_CASE("a null that a lenient parse took for an empty array can be added to, a null that is one cannot") {
    const auto body = from_hex("ffffffff"
                               "00"); // Metadata v1-4: null is for all topics; v0 has none
    const auto lenient = kwire::parse<kwire::metadata_request>(
        kwire::shared_buffer::copy_of(from_hex("ffffffff")), 0, {.null_as_empty = true});
    REQUIRE(lenient.has_value());
    splice edits(*lenient);
    kwire::insert<"topics">(edits, *lenient, 0, {.name = "t"});
    const auto added = applied<kwire::metadata_request>(edits, 0);
    REQUIRE(added->topics().size() == 1);
    CHECK((*added->topics().begin()).name() == "t");
    kwire::set_element<"topics">(edits, *lenient, 0, {.name = "t"});
    CHECK(failure(edits) == "MetadataRequest v0 topics[0]: bad_value");

    const auto null = kwire::parse<kwire::metadata_request>(kwire::shared_buffer::copy_of(body), 4).value();
    splice of_null(null);
    kwire::insert<"topics">(of_null, null, 0, {.name = "t"});
    CHECK(failure(of_null) == "MetadataRequest v4 topics: field_absent");
}
