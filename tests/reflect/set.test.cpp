#include <kwire/messages/metadata.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/reflect/set.hpp>
#include <kwire/write/encode.hpp>

#include <string>
#include <vector>

#include "catch.hpp"

using kwire::edit;
using kwire::errc;
using kwire::set;

namespace {

using response = kwire::metadata_response;

template <class M>
kwire::shared_buffer body_of(const typename M::data& data, int version) {
    return kwire::encode<M>(data, version).value().to_bytes();
}

template <class M>
kwire::editable<M> editable_of(const typename M::data& data, int version) {
    return edit(kwire::parse<M>(body_of<M>(data, version), version).value()).value();
}

response::data cluster() {
    return {.brokers = {{.node_id = 1, .host = "a", .port = 9092}},
            .topics = {{.name = "t",
                        .partitions = {{.partition_index = 0, .leader_id = 1, .replica_nodes = {1, 2, 3}},
                                       {.partition_index = 1, .leader_id = 2, .replica_nodes = {2, 3}}}}}};
}

} // namespace

TEST_CASE("values of dynamic views are set if the field can hold them") {
    const auto& info = kwire::message_info_of<response>;
    auto parsed = kwire::parse(info, body_of<response>(cluster(), 12), 12);
    REQUIRE(parsed);
    auto message = edit(std::move(*parsed));
    REQUIRE(message);
    const auto throttle = message->field(kwire::field_index<response, "throttle_time_ms">);
    REQUIRE(set(*message, throttle, 5));
    CHECK(throttle.number() == 5);
    CHECK(set(*message, throttle, std::int64_t{1} << 31).error() == errc::bad_value);
    CHECK(set(*message, throttle, ~std::uint64_t{0}).error() == errc::bad_value);
    CHECK(set(*message, throttle, 0.5).error() == errc::bad_value);
    CHECK(set(*message, throttle, kwire::uuid{}).error() == errc::bad_value);
    const auto topics = message->field(kwire::field_index<response, "topics">);
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
    auto message = editable_of<response>(cluster(), 1);
    const auto dynamic = kwire::as_dynamic(*message);
    REQUIRE(set(message, dynamic.field(kwire::field_index<response, "controller_id">), 8));
    CHECK(message->controller_id() == 8);
    CHECK(set(message, dynamic.field(kwire::field_index<response, "throttle_time_ms">), 8).error() ==
          errc::field_not_in_version);
}
