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
    REQUIRE(metadata.topics.has_value()); // nullable, but not null by default
    CHECK(metadata.topics->empty());
}

namespace {

/// No message of Kafka has a text as a default today, but its schema language has such defaults.
struct with_texts : private kwire::vocabulary {
    template <int N = 0>
    struct basic_data {
        std::string name = text("unnamed");
        std::optional<std::string> rack = not_null_text("none");
        std::optional<std::string> host = not_null;
        std::optional<std::string> cluster{};
    };
    using data = basic_data<>;
};

} // namespace

TEST_CASE("a data struct begins with the texts that are defaults") {
    const with_texts::data texts;
    CHECK(texts.name == "unnamed");
    CHECK(texts.rack == "none");
    CHECK(texts.host == "");
    CHECK_FALSE(texts.cluster.has_value());
    const std::vector<with_texts::data> some = {{.rack = std::nullopt}, {.cluster = "c"}};
    CHECK_FALSE(some[0].rack.has_value());
    CHECK(some[1].rack == "none");
}

TEST_CASE("data structs nest in braces, however many members are left out") {
    // GCC 12 stopped here with an internal error when the initialisers of members were ordinary ones.
    std::vector<kwire::fetch_response::partition_data::data> partitions = {{.partition_index = 1},
                                                                           {.records = {}}};
    const kwire::fetch_response::data response{
        .responses = {{.partitions = {{.high_watermark = 42}}}, {.topic = "t"}}};
    CHECK(partitions[1].aborted_transactions.has_value());
    CHECK(response.responses[0].partitions[0].high_watermark == 42);
    CHECK(response.responses[1].partitions.empty());
}
