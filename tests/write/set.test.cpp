#include <kwire/connect/dispatch.hpp>
#include <kwire/messages/api_versions.hpp>
#include <kwire/messages/describe_client_quotas.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/list_groups.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/reflect/set.hpp>
#include <kwire/write/encode.hpp>
#include <kwire/write/set.hpp>

#include <string>
#include <vector>

#include "catch.hpp"

using kwire::errc;
using kwire::make_writable;
using kwire::set;
using kwire::set_element;

namespace {

using response = kwire::metadata_response;
using fetch = kwire::fetch_request;

template <class M>
kwire::shared_buffer body_of(const typename M::data& data, int version) {
    return kwire::encode<M>(data, version).value().to_bytes();
}

template <class M>
kwire::writable<typename M::view> writable_of(const typename M::data& data, int version) {
    return make_writable(kwire::parse<M>(body_of<M>(data, version), version).value()).value();
}

template <class Result>
bool fails(const Result& result, errc code, std::string_view text) {
    if (result) return false;
    CHECK(std::string(kwire::describe(result.error())) == text);
    return result.error() == code;
}

response::data cluster() {
    return {.brokers = {{.node_id = 1, .host = "a", .port = 9092}},
            .topics = {{.name = "t",
                        .partitions = {{.partition_index = 0, .leader_id = 1, .replica_nodes = {1, 2, 3}},
                                       {.partition_index = 1, .leader_id = 2, .replica_nodes = {2, 3}}}}}};
}

} // namespace

TEST_CASE("fields of the message, of nested structs and elements of arrays are set where they lie") {
    auto message = writable_of<response>(cluster(), 12);
    REQUIRE(set<"throttle_time_ms">(message, 500));
    for (const auto topic : message->topics()) {
        REQUIRE(set<"is_internal">(message, topic, true));
        REQUIRE(set<"topic_id">(message, topic, kwire::uuid::from_halves(1, 2)));
        for (const auto partition : topic.partitions()) {
            REQUIRE(set<"leader_id">(message, partition, partition.leader_id() + 1000));
            REQUIRE(partition.leader_id() > 1000); // the view in hand shows it at once
            for (std::size_t i = 0; i < partition.replica_nodes().size(); ++i)
                REQUIRE(
                    set_element<"replica_nodes">(message, partition, i, partition.replica_nodes()[i] + 1000));
        }
    }

    response::data expected = cluster();
    expected.throttle_time_ms = 500;
    expected.topics[0].is_internal = true;
    expected.topics[0].topic_id = kwire::uuid::from_halves(1, 2);
    for (auto& partition : expected.topics[0].partitions) {
        partition.leader_id += 1000;
        for (auto& node : partition.replica_nodes) node += 1000;
    }
    const auto changed = std::move(message).freeze();
    CHECK(changed.buffer() == body_of<response>(expected, 12));
    CHECK(changed->throttle_time_ms() == 500);
}

TEST_CASE("tagged fields are set if they are there") {
    using versions = kwire::api_versions_response;
    auto there = writable_of<versions>({.finalized_features_epoch = 7, .zk_migration_ready = true}, 3);
    REQUIRE(set<"finalized_features_epoch">(there, 8));
    REQUIRE(set<"zk_migration_ready">(there, false)); // stays in the bytes, although it is the default now
    CHECK(there->finalized_features_epoch() == 8);
    CHECK_FALSE(there->zk_migration_ready());
    auto absent = writable_of<versions>({}, 3);
    CHECK(fails(set<"finalized_features_epoch">(absent, 8), errc::field_absent,
                "finalized_features_epoch: field_absent"));
    CHECK(absent->finalized_features_epoch() == -1);
}

TEST_CASE("floating-point numbers are set bit by bit") {
    using quotas = kwire::describe_client_quotas_response;
    auto message = writable_of<quotas>({.entries = {{{.values = {{.key = "rate", .value = 0.1}}}}}}, 1);
    for (const auto entry : message->entries())
        for (const auto value : entry.values()) {
            REQUIRE(set<"value">(message, value, -0.0));
            CHECK(std::signbit(value.value()));
        }
}

TEST_CASE("a field that the version lacks is refused, also where the version is known at compile time") {
    auto message = writable_of<response>(cluster(), 1);
    CHECK_FALSE(set<"throttle_time_ms">(message, 5));
    CHECK(set<"throttle_time_ms">(message, 5).error() == errc::field_not_in_version);
    auto fixed = make_writable(kwire::parse<response, 1>(body_of<response>(cluster(), 1)).value());
    REQUIRE(fixed);
    CHECK(set<"throttle_time_ms">(*fixed, 5).error() == errc::field_not_in_version);
    REQUIRE(set<"controller_id">(*fixed, 5));
    CHECK((*fixed)->controller_id() == 5);
}

TEST_CASE("a struct that the message does not hold shows defaults, which nobody can change") {
    auto message = writable_of<fetch>({.replica_id = 3}, 14);
    REQUIRE(set<"replica_id">(message, 4));
    CHECK(set<"replica_id">(message, message->replica_state(), 4).error() ==
          errc::field_not_in_version); // v15
    auto absent = writable_of<fetch>({}, 15);
    CHECK(set<"replica_id">(absent, absent->replica_state(), 4).error() == errc::field_absent);
    CHECK(set<"replica_epoch">(absent, absent->replica_state(), 4).error() == errc::field_absent);
    CHECK(absent->replica_state().replica_id() == -1);
    auto later = writable_of<fetch>({.replica_state = {.replica_id = 3}}, 15);
    REQUIRE(set<"replica_id">(later, later->replica_state(), 4));
    CHECK(later->replica_state().replica_id() == 4);
}

TEST_CASE("views of other bytes are refused, and the bytes stay as they were") {
    auto message = writable_of<response>(cluster(), 12);
    const auto other = kwire::parse<response>(body_of<response>(cluster(), 12), 12).value();
    CHECK(set<"throttle_time_ms">(message, other.view(), 5).error() == errc::field_absent);
    CHECK(other->throttle_time_ms() == 0);
}

TEST_CASE("elements beyond the end are refused") {
    auto message = writable_of<response>(cluster(), 12);
    const auto topic = *message->topics().begin();
    const auto partition = *topic.partitions().begin();
    REQUIRE(set_element<"replica_nodes">(message, partition, 2, 9));
    CHECK(set_element<"replica_nodes">(message, partition, 3, 9).error() == errc::bad_value);
    CHECK(set_element<"isr_nodes">(message, partition, 0, 9).error() == errc::bad_value);
    CHECK(set_element<"isr_nodes">(message, partition, ~std::size_t{0}, 9).error() == errc::bad_value);
}

TEST_CASE("bytes that somebody else holds are left alone, or copied if that is asked for") {
    auto message = kwire::parse<response>(body_of<response>(cluster(), 12), 12).value();
    const auto other = message;
    const auto* const before = message.buffer().data();
    const auto refused = make_writable(std::move(message));
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == errc::buffer_shared);
    CHECK(message.buffer().data() == before); // as it was
    CHECK(message->brokers().size() == 1);

    const auto copies = kwire::copied_bytes();
    auto copy = make_writable(std::move(message), kwire::if_shared::copy);
    REQUIRE(copy);
    CHECK(kwire::copied_bytes() - copies == other.buffer().size());
    REQUIRE(set<"throttle_time_ms">(*copy, 5));
    CHECK((*copy)->throttle_time_ms() == 5);
    CHECK(other->throttle_time_ms() == 0);
    CHECK(other.buffer().is_unique());
}

TEST_CASE("a message in a part of a buffer is changed there, and copied with the buffer") {
    const auto body = body_of<response>(cluster(), 12);
    kwire::unique_buffer frame = kwire::unique_buffer::with_capacity(body.size() + 16);
    frame.append(std::vector<std::byte>(8));
    frame.append(body);
    auto whole = std::move(frame).freeze();
    for (const auto policy : {kwire::if_shared::refuse, kwire::if_shared::copy}) {
        const auto keep = policy == kwire::if_shared::copy ? whole : kwire::shared_buffer();
        const auto view = kwire::parse_view<response>(whole.span().subspan(8), 12).value();
        auto message = make_writable(kwire::held<response::view>(view, std::move(whole)), policy);
        REQUIRE(message);
        REQUIRE(set<"throttle_time_ms">(*message, 77));
        const auto changed = std::move(*message).freeze();
        CHECK(changed->throttle_time_ms() == 77);
        CHECK(kwire::bytes_of(*changed).data() == changed.buffer().data() + 8);
        whole = changed.buffer();
    }
}

TEST_CASE("bytes that were lent to be read, and views that lie elsewhere, are not writable") {
    const auto body = body_of<response>(cluster(), 12);
    auto lent = kwire::parse<response>(kwire::shared_buffer::from_static(body.span()), 12).value();
    CHECK(fails(make_writable(std::move(lent)), errc::buffer_read_only, "buffer_read_only"));
    CHECK(lent->brokers().size() == 1); // as it was
    CHECK(make_writable(std::move(lent), kwire::if_shared::copy).has_value());
    const auto view = kwire::parse_view<response>(body.span(), 12).value();
    kwire::held<response::view> elsewhere(view, kwire::shared_buffer::copy_of(body.span()));
    CHECK(make_writable(std::move(elsewhere), kwire::if_shared::copy).error() == errc::buffer_shared);
}

TEST_CASE("a message in a vector that a buffer has taken over is changed there") {
    const auto body = body_of<response>(cluster(), 12);
    std::vector<std::byte> received(body.begin(), body.end());
    const std::byte* const where = received.data();
    auto message =
        make_writable(kwire::parse<response>(kwire::shared_buffer::adopt(std::move(received)), 12).value());
    REQUIRE(message);
    REQUIRE(set<"throttle_time_ms">(*message, 500));
    const auto changed = std::move(*message).freeze();
    CHECK(changed->throttle_time_ms() == 500);
    CHECK(changed.buffer().data() == where);
}

TEST_CASE("who owns bytes in another way sets fields in a span") {
    const auto body = body_of<response>(cluster(), 12);
    std::vector<std::byte> mine(body.begin(), body.end());
    const auto view = kwire::parse_view<response>(mine, 12).value();
    REQUIRE(set<"throttle_time_ms">(std::span(mine), view, 9));
    CHECK(view.throttle_time_ms() == 9);
    CHECK(set<"throttle_time_ms">(std::span(mine).first(0), view, 9).error() == errc::field_absent);
    CHECK(set<"throttle_time_ms">(std::span(mine).first(3), view, 9).error() == errc::field_absent);
}

TEST_CASE("values of dynamic views are set if the field can hold them") {
    const auto& info = kwire::message_info_of<response>;
    auto parsed = kwire::parse(info, body_of<response>(cluster(), 12), 12);
    REQUIRE(parsed);
    auto message = make_writable(std::move(*parsed));
    REQUIRE(message);
    const auto throttle = (*message)->field(kwire::field_index<response, "throttle_time_ms">);
    REQUIRE(set(*message, throttle, 5));
    CHECK(throttle.number() == 5);
    CHECK(set(*message, throttle, std::int64_t{1} << 31).error() == errc::bad_value);
    CHECK(set(*message, throttle, ~std::uint64_t{0}).error() == errc::bad_value);
    CHECK(set(*message, throttle, 0.5).error() == errc::bad_value);
    CHECK(set(*message, throttle, kwire::uuid{}).error() == errc::bad_value);
    const auto topics = (*message)->field(kwire::field_index<response, "topics">);
    CHECK(set(*message, topics, 1).error() == errc::bad_value);

    const auto topic = (*topics.elements().begin()).structure();
    const auto internal = topic.field(kwire::field_index<response::topic, "is_internal">);
    REQUIRE(set(*message, internal, true));
    CHECK(internal.number() == 1);
    CHECK(set(*message, internal, 2).error() == errc::bad_value);
    const auto id = topic.field(kwire::field_index<response::topic, "topic_id">);
    REQUIRE(set(*message, id, kwire::uuid::from_halves(3, 4)));
    CHECK(id.id() == kwire::uuid::from_halves(3, 4));
    CHECK(set(*message, id, 1).error() == errc::bad_value);

    const auto partitions = topic.field(kwire::field_index<response::topic, "partitions">);
    const auto partition = (*partitions.elements().begin()).structure();
    const auto replicas = partition.field(kwire::field_index<response::partition, "replica_nodes">);
    REQUIRE(set(*message, *replicas.elements().begin(), 1001));
    CHECK((*replicas.elements().begin()).number() == 1001);

    const auto changed = std::move(*message).freeze();
    CHECK(changed->field(0).number() == 5);
}

TEST_CASE("a typed message takes dynamic values too") {
    auto message = writable_of<response>(cluster(), 1);
    const auto dynamic = kwire::as_dynamic(*message);
    REQUIRE(set(message, dynamic.field(kwire::field_index<response, "controller_id">), 8));
    CHECK(message->controller_id() == 8);
    CHECK(set(message, dynamic.field(kwire::field_index<response, "throttle_time_ms">), 8).error() ==
          errc::field_not_in_version);
}

namespace {

kwire::shared_buffer frame_of(const kwire::buffer_chain& sent) {
    const kwire::shared_buffer bytes = sent.to_bytes();
    return kwire::shared_buffer::copy_of(bytes.span().subspan(4)); // behind the length
}

} // namespace

TEST_CASE("a proxy changes a field in a frame that it does not copy, and sends the frame on") {
    response::data expected = cluster();
    for (const std::int16_t version : {std::int16_t{5}, std::int16_t{12}}) { // headers 0 and 1
        expected.throttle_time_ms = 100;
        const auto sent = kwire::encode_response<response>(expected, version, 7).value();
        auto bytes = frame_of(sent);
        const auto* const where = bytes.data();
        auto frame = kwire::parse_response_frame(std::move(bytes), kwire::api_key::metadata, version);
        REQUIRE(frame);
        CHECK(kwire::with_length(frame->buffer()).value().to_bytes() == sent.to_bytes());
        const auto from_here = kwire::copied_bytes();
        auto message = make_writable<response>(std::move(*frame));
        REQUIRE(message);
        REQUIRE(set<"throttle_time_ms">(*message, 0));
        const auto changed = std::move(*message).freeze();
        CHECK(changed->throttle_time_ms() == 0);
        CHECK(changed.buffer().data() == where);
        const auto out = kwire::with_length(changed.buffer()).value();
        CHECK(kwire::copied_bytes() == from_here);
        expected.throttle_time_ms = 0;
        CHECK(out.to_bytes() == kwire::encode_response<response>(expected, version, 7).value().to_bytes());
    }
}

TEST_CASE("messages are made writable with their frames where dispatch hands them out") {
    const auto sent =
        kwire::encode_request<fetch>({.replica_id = 3, .max_bytes = 1 << 20}, 12, 9, "me").value();
    kwire::buffer_chain out;
    const auto visitor = kwire::overloaded{
        [&](kwire::request<fetch>&& asked) {
            auto message = make_writable(std::move(asked));
            REQUIRE(message);
            REQUIRE(set<"max_bytes">(*message, 1000));
            out = kwire::with_length(std::move(*message).freeze().buffer()).value();
        },
        [&](const kwire::request_frame&) { FAIL(); },
    };
    REQUIRE(kwire::dispatch(frame_of(sent), visitor));
    const auto expected =
        kwire::encode_request<fetch>({.replica_id = 3, .max_bytes = 1000}, 12, 9, "me").value();
    CHECK(out.to_bytes() == expected.to_bytes());
}

TEST_CASE("a frame that somebody else holds too is as it was when it is refused, or copied") {
    const auto sent = kwire::encode_request<fetch>({.max_bytes = 7}, 12, 9, "me").value();
    const auto bytes = frame_of(sent);
    auto frame = kwire::parse_request_frame(bytes);
    REQUIRE(frame);
    const auto body = frame->body();
    CHECK(fails(make_writable<fetch>(std::move(*frame)), errc::buffer_shared, "buffer_shared"));
    CHECK(frame->buffer().data() == bytes.data());
    CHECK(frame->body() == body);
    CHECK(frame->client_id() == "me");
    CHECK(make_writable<response>(std::move(*frame)).error() != errc::buffer_shared); // not that message
    CHECK(frame->body() == body);

    auto copy = make_writable<fetch>(std::move(*frame), kwire::if_shared::copy);
    REQUIRE(copy);
    REQUIRE(set<"max_bytes">(*copy, 8));
    const auto changed = std::move(*copy).freeze();
    const auto again = kwire::parse_request_frame(changed.buffer());
    REQUIRE(again);
    CHECK(again->client_id() == "me");
    CHECK(kwire::parse_view<fetch>(again->body().span(), 12).value().max_bytes() == 8);
    CHECK(kwire::parse_view<fetch>(body.span(), 12).value().max_bytes() == 7);
}

TEST_CASE("a frame whose bytes were taken out has nothing to write to, also where its message may be empty") {
    const auto sent = kwire::encode_request<kwire::list_groups_request>({}, 0, 9, "me").value();
    auto whole = kwire::parse_request_frame(frame_of(sent));
    auto taken = whole;
    REQUIRE(whole);
    CHECK(std::move(*taken).buffer() == frame_of(sent));
    CHECK(taken->body().empty());
    auto nothing = make_writable<kwire::list_groups_request>(std::move(*taken));
    REQUIRE(nothing);
    CHECK(nothing->bytes().empty());
    auto all = make_writable<kwire::list_groups_request>(std::move(*whole));
    REQUIRE(all);
    CHECK(all->bytes().size() == sent.size() - 4);
}
