#include <kwire/api.hpp>
#include <kwire/messages/alter_configs.hpp>
#include <kwire/messages/api_versions.hpp>
#include <kwire/messages/controlled_shutdown.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/read/find.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/write/encode.hpp>

#include <string>

#include "catch.hpp"
#include "support/count_allocations.hpp"

using kwire::find;

namespace {

template <class M>
kwire::held<typename M::view> read_back(const typename M::data& data, int version) {
    return kwire::parse<M>(kwire::encode<M>(data, version).value().to_bytes(), version).value();
}

kwire::metadata_response::data cluster() {
    return {
        .brokers = {{.node_id = 7, .host = "a"}, {.node_id = 3, .host = "b"}, {.node_id = 7, .host = "c"}},
        .topics = {{.name = "orders"}, {.name = std::nullopt}, {.name = "bills"}, {.name = ""}}};
}

} // namespace

TEST_CASE("the first element with the key is found, whatever tells the version") {
    const auto general = read_back<kwire::metadata_response>(cluster(), 12);
    CHECK(find(general->brokers(), 7)->host() == "a");
    CHECK(find(general->brokers(), 3)->host() == "b");
    CHECK_FALSE(find(general->brokers(), 4));
    CHECK(find(general->topics(), std::string("bills"))->name() == "bills");

    const auto fixed = kwire::parse_view<kwire::metadata_response, 12>(general.bytes());
    const auto broker = find(fixed->brokers(), 7);
    static_assert(std::is_same_v<decltype(broker),
                                 const std::optional<kwire::metadata_response::broker::basic_view<12>>>);
    CHECK(broker->host() == "a");
    CHECK(kwire::bytes_of(*broker).data() == kwire::bytes_of(*find(general->brokers(), 7)).data());
}

TEST_CASE("null and the empty string are keys of their own") {
    const auto view = read_back<kwire::metadata_response>(cluster(), 12);
    CHECK_FALSE(find(view->topics(), std::nullopt)->name().has_value());
    CHECK(find(view->topics(), "")->name() == "");
    CHECK_FALSE(find(view->topics(), "order"));
}

TEST_CASE("a null or empty array has nothing") {
    CHECK_FALSE(find(kwire::nullable_array_of<kwire::metadata_response::topic::view>(), "orders"));
    const auto view = read_back<kwire::metadata_response>({}, 1);
    CHECK_FALSE(find(view->topics(), "orders"));
}

TEST_CASE("partitions and others for which Kafka names no key are found by the one of schema/keys.txt") {
    const auto view = read_back<kwire::metadata_response>(
        {.topics = {{.name = "orders",
                     .partitions = {{.partition_index = 0, .leader_id = 1},
                                    {.partition_index = 3, .leader_id = 2}}}}},
        12);
    const auto topic = find(view->topics(), "orders");
    REQUIRE(topic);
    CHECK(find(topic->partitions(), 3)->leader_id() == 2);
    CHECK_FALSE(find(topic->partitions(), 1));
    static_assert(!kwire::info_of<kwire::metadata_response::partition>.fields[1].map_key);
    static_assert(kwire::info_of<kwire::metadata_response::partition>.fields[1].key);
    static_assert(kwire::info_of<kwire::metadata_response::topic>.fields[1].key);
}

TEST_CASE("numbers may come in any type, and what does not fit into the field is found nowhere") {
    const auto view = read_back<kwire::metadata_response>(cluster(), 12);
    CHECK(find(view->brokers(), std::uint64_t{7}));
    CHECK(find(view->brokers(), std::int8_t{7}));
    CHECK_FALSE(find(view->brokers(), (std::int64_t{1} << 32) + 7));
    const auto apis = read_back<kwire::api_versions_response>(
        {.api_keys = {{.api_key = kwire::api_key::fetch, .max_version = 18}}}, 3);
    CHECK(find(apis->api_keys(), kwire::api_key::fetch)->max_version() == 18);
    CHECK_FALSE(find(apis->api_keys(), kwire::api_key::produce));
}

TEST_CASE("a key of several fields is compared field by field") {
    const auto shutdown = read_back<kwire::controlled_shutdown_response>(
        {.remaining_partitions = {{.topic_name = "t", .partition_index = 1},
                                  {.topic_name = "u", .partition_index = 2}}},
        3);
    REQUIRE(find(shutdown->remaining_partitions(), "u", 2));
    CHECK(find(shutdown->remaining_partitions(), "u", 2)->topic_name() == "u");
    CHECK_FALSE(find(shutdown->remaining_partitions(), "", 2));
    CHECK_FALSE(find(shutdown->remaining_partitions(), "t", 2));
    const auto configs =
        read_back<kwire::alter_configs_request>({.resources = {{.resource_type = 2, .resource_name = "t"},
                                                               {.resource_type = 4, .resource_name = "t"}}},
                                                2);
    CHECK(find(configs->resources(), 4, "t")->resource_type() == 4);
}

TEST_CASE("key fields that the version lacks are not compared") {
    const auto id = kwire::uuid::from_halves(1, 2);
    const kwire::produce_request::data request{.topic_data = {{.name = "a"}, {.name = "b"}}};
    const auto by_name = read_back<kwire::produce_request>(request, 12);
    CHECK(find(by_name->topic_data(), "b", id)->name() == "b");
    const auto by_id = read_back<kwire::produce_request>({.topic_data = {{}, {.topic_id = id}}}, 13);
    CHECK(find(by_id->topic_data(), "b", id)->topic_id() == id);
    CHECK_FALSE(find(by_id->topic_data(), "b", kwire::uuid::from_halves(1, 3)));
    const auto fixed = kwire::parse_view<kwire::produce_request, 13>(by_id.bytes());
    CHECK(find(fixed->topic_data(), "b", id)->topic_id() == id);
}

TEST_CASE("finding allocates nothing") {
    if (!support::counts_allocations) return;
    const auto view = read_back<kwire::metadata_response>(cluster(), 12);
    CHECK(support::allocations_of([&] { REQUIRE(find(view->topics(), "bills").has_value()); }) == 0);
}
