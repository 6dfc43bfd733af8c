#include <kwire/messages/fetch.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/schema/detail/data.hpp>

#include <optional>
#include <type_traits>
#include <vector>

#include "catch.hpp"

TEST_CASE("a data struct begins with the schema's defaults") {
    const kwire::fetch_request::data request;
    CHECK(request.replica_id == -1);
    CHECK(request.max_bytes == 0x7fffffff);
    CHECK(request.session_epoch == -1);
    CHECK_FALSE(request.cluster_id.has_value());
    CHECK(request.replica_state.replica_epoch == -1);
    const kwire::metadata_request::data metadata;
    REQUIRE_FALSE(metadata.topics.is_null()); // nullable, but not null by default
    CHECK(metadata.topics.empty());
}

// Answers have thousands of these, and most of the time of filling them goes into fresh memory.
static_assert(sizeof(kwire::produce_request::partition_produce_data::data) <= 72);
static_assert(sizeof(kwire::fetch_response::partition_data::data) <= 136);

TEST_CASE("a data struct says what it is the data of") {
    static_assert(std::is_same_v<kwire::fetch_request::data::struct_type, kwire::fetch_request>);
    using partition = kwire::fetch_response::partition_data;
    static_assert(std::is_same_v<partition::data::struct_type, partition>);
    // Also where a field has the name of the struct:
    static_assert(
        std::is_same_v<kwire::fetch_request::topic::data::struct_type, kwire::fetch_request::topic>);
}

TEST_CASE(
    "records begin empty, not null, which peers such as librdkafka refuse. Their facts stay the schema's") {
    const kwire::fetch_response::partition_data::data partition;
    CHECK(partition.records.empty());
    CHECK_FALSE(partition.records.is_null());
    CHECK(kwire::info_of<kwire::fetch_response::partition_data>.fields[10].null_default);
}

TEST_CASE("data structs nest in braces, however many members are left out") {
    std::vector<kwire::fetch_response::partition_data::data> partitions = {{.partition_index = 1},
                                                                           {.records = {}}};
    const kwire::fetch_response::data response{
        .responses = {{.partitions = {{.high_watermark = 42}}}, {.topic = "t"}}};
    CHECK_FALSE(partitions[1].aborted_transactions.is_null());
    CHECK(response.responses[0].partitions[0].high_watermark == 42);
    CHECK(response.responses[1].partitions.empty());
}
