#include <kwire/messages/api_versions.hpp>
#include <kwire/messages/describe_client_quotas.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/write/encode.hpp>
#include <kwire/write/set.hpp>

#include <string>
#include <vector>

#include "catch.hpp"

using kwire::edit;
using kwire::errc;
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
kwire::editable<M> editable_of(const typename M::data& data, int version) {
    return edit(kwire::parse<M>(body_of<M>(data, version), version).value()).value();
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

TEST_CASE("fields of the message, of nested structs and elements of arrays are set in place") {
    auto message = editable_of<response>(cluster(), 12);
    REQUIRE(set<"throttle_time_ms">(message, 500));
    for (const auto topic : message->topics()) {
        REQUIRE(set<"is_internal">(message, topic, true));
        REQUIRE(set<"error_code">(message, topic, kwire::error_code::leader_not_available));
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
    expected.topics[0].error_code = kwire::error_code::leader_not_available;
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
    auto there = editable_of<versions>({.finalized_features_epoch = 7, .zk_migration_ready = true}, 3);
    REQUIRE(set<"finalized_features_epoch">(there, 8));
    REQUIRE(set<"zk_migration_ready">(there, false)); // stays in the bytes, although it is the default now
    CHECK(there->finalized_features_epoch() == 8);
    CHECK_FALSE(there->zk_migration_ready());
    auto absent = editable_of<versions>({}, 3);
    CHECK(fails(set<"finalized_features_epoch">(absent, 8), errc::field_absent,
                "finalized_features_epoch: field_absent"));
    CHECK(absent->finalized_features_epoch() == -1);
}

TEST_CASE("floating-point numbers are set bit by bit") {
    using quotas = kwire::describe_client_quotas_response;
    auto message = editable_of<quotas>({.entries = {{{.values = {{.key = "rate", .value = 0.1}}}}}}, 1);
    for (const auto entry : message->entries())
        for (const auto value : entry.values()) {
            REQUIRE(set<"value">(message, value, -0.0));
            CHECK(std::signbit(value.value()));
        }
}

TEST_CASE("a field that the version lacks is refused, also where the version is known at compile time") {
    auto message = editable_of<response>(cluster(), 1);
    CHECK_FALSE(set<"throttle_time_ms">(message, 5));
    CHECK(set<"throttle_time_ms">(message, 5).error() == errc::field_not_in_version);
    auto fixed = edit(kwire::parse<response, 1>(body_of<response>(cluster(), 1)).value());
    REQUIRE(fixed);
    CHECK(set<"throttle_time_ms">(*fixed, 5).error() == errc::field_not_in_version);
    REQUIRE(set<"controller_id">(*fixed, 5));
    CHECK(fixed->controller_id() == 5);
}

TEST_CASE("a struct that the message does not hold shows defaults, which cannot be changed") {
    auto message = editable_of<fetch>({.replica_id = 3}, 14);
    REQUIRE(set<"replica_id">(message, 4));
    CHECK(set<"replica_id">(message, message->replica_state(), 4).error() ==
          errc::field_not_in_version); // v15
    auto absent = editable_of<fetch>({}, 15);
    CHECK(set<"replica_id">(absent, absent->replica_state(), 4).error() == errc::field_absent);
    CHECK(set<"replica_epoch">(absent, absent->replica_state(), 4).error() == errc::field_absent);
    CHECK(absent->replica_state().replica_id() == -1);
    auto later = editable_of<fetch>({.replica_state = {.replica_id = 3}}, 15);
    REQUIRE(set<"replica_id">(later, later->replica_state(), 4));
    CHECK(later->replica_state().replica_id() == 4);
}

TEST_CASE("views of other bytes are refused, and the bytes stay as they were") {
    auto message = editable_of<response>(cluster(), 12);
    const auto other = kwire::parse<response>(body_of<response>(cluster(), 12), 12).value();
    CHECK(set<"throttle_time_ms">(message, other.view(), 5).error() == errc::field_absent);
    CHECK(other->throttle_time_ms() == 0);
}

TEST_CASE("elements beyond the end are refused") {
    auto message = editable_of<response>(cluster(), 12);
    const auto topic = *message->topics().begin();
    const auto partition = *topic.partitions().begin();
    REQUIRE(set_element<"replica_nodes">(message, partition, 2, 9));
    CHECK(set_element<"replica_nodes">(message, partition, 3, 9).error() == errc::bad_value);
    CHECK(set_element<"isr_nodes">(message, partition, 0, 9).error() == errc::bad_value);
    CHECK(set_element<"isr_nodes">(message, partition, ~std::size_t{0}, 9).error() == errc::bad_value);
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
