#include <kwire/messages/fetch.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/schema/detail/data.hpp>

#include <optional>
#include <string>
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

TEST_CASE("data structs nest in braces, however many members are left out") {
    std::vector<kwire::fetch_response::partition_data::data> partitions = {{.partition_index = 1},
                                                                           {.records = {}}};
    const kwire::fetch_response::data response{
        .responses = {{.partitions = {{.high_watermark = 42}}}, {.topic = "t"}}};
    CHECK_FALSE(partitions[1].aborted_transactions.is_null());
    CHECK(response.responses[0].partitions[0].high_watermark == 42);
    CHECK(response.responses[1].partitions.empty());
}
