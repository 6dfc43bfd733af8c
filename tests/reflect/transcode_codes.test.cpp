/// What transcode makes of error codes and other single values that versions do not have in common, for one
/// message of each rule: a body with this one value, everything else at its default.
#include <kwire/messages/registry.hpp>
#include <kwire/reflect/detail/value_tree.hpp>
#include <kwire/reflect/path.hpp>
#include <kwire/reflect/transcode.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"

namespace {

/// Values of a message by their paths, such as `topics[0].partitions[0].error_code`; arrays on the way have
/// one element.
class message_of {
public:
    explicit message_of(std::string_view name) : info_(kwire::find_message(name)) {
        REQUIRE(info_ != nullptr);
    }

    message_of& with(std::string_view path, std::int64_t number) {
        at(path).number = number;
        return *this;
    }
    message_of& with_text(std::string_view path, std::string_view text) {
        at(path).text = text;
        return *this;
    }
    message_of& with_records(std::string_view path, std::string_view hex) {
        at(path).bytes = kwire::shared_buffer::copy_of(kwire::test::from_hex(hex));
        return *this;
    }
    /// An array of numbers.
    message_of& with_numbers(std::string_view path, const std::vector<std::int64_t>& numbers) {
        node& array = at(path);
        for (const std::int64_t number : numbers) {
            node element;
            element.present = true;
            element.number = number;
            array.parts.push_back(element);
        }
        return *this;
    }

    [[nodiscard]] kwire::shared_buffer body(int version) const {
        const kwire::detail::node_struct whole(*info_->structure, root_.present ? &root_ : nullptr);
        return kwire::detail::encode_dynamic(*info_, whole, version, kwire::shared_buffer{})
            .value()
            .to_bytes();
    }

    /// The number at `path` in the other version, or why the message is refused.
    [[nodiscard]] std::string at_path_in(int from, int to, std::string_view path) const {
        const auto other = kwire::transcode(*info_, body(from), from, to);
        if (!other)
            return std::string(kwire::name_of(other.error().code)) + ' ' +
                   std::string(kwire::path_of(other.error()));
        const auto view = kwire::parse(*info_, other->to_bytes(), to);
        REQUIRE(view.has_value());
        const auto found = kwire::at_path(**view, path);
        REQUIRE(found.has_value());
        return found->value().present() ? std::to_string(found->value().number()) : "absent";
    }
    /// Whether the other version is what `expected` is there.
    [[nodiscard]] bool becomes(int from, const message_of& expected, int to) const {
        const auto other = kwire::transcode(*info_, body(from), from, to);
        return other && *other == kwire::buffer_chain(expected.body(to));
    }

private:
    using node = kwire::detail::value_node;

    node& at(std::string_view path) {
        const kwire::struct_info* info = info_->structure;
        node* here = &root_;
        for (;;) {
            here->present = true;
            here->parts.resize(info->fields.size());
            const std::size_t end = std::min(path.find_first_of(".["), path.size());
            const std::size_t i = kwire::detail::position_of(*info, path.substr(0, end));
            REQUIRE(i < info->fields.size());
            const kwire::field_info& field = info->fields[i];
            here = &here->parts[i];
            here->present = true;
            path.remove_prefix(end);
            if (path.starts_with("[0]")) {
                here->parts.resize(1);
                here = &here->parts.front();
                path.remove_prefix(3);
            }
            if (path.empty()) return *here;
            path.remove_prefix(1); // the dot
            info = field.structure;
            REQUIRE(info != nullptr);
        }
    }

    const kwire::message_info* info_;
    node root_;
};

/// A value at a path, and what it is in an older version; "" where that refuses it.
struct older_value {
    std::string_view message, path;
    int from;
    std::int64_t value;
    int to;
    std::string_view expected;
};

constexpr std::string_view refused = "";

// What the versions have is in the comments of Kafka's schemas; what brokers write instead was read in
// KafkaApis, AuthHelper, AddPartitionsToTxnManager, OffsetMetadataManager and ReplicationControlManager
// of 3.9.2 and 4.4.0.
constexpr older_value older_values[] = {
    {"AddOffsetsToTxnResponse", "error_code", 4, 120, 3, refused},
    {"AddOffsetsToTxnResponse", "error_code", 4, 90, 1, "47"},
    {"AddPartitionsToTxnResponse",
     "results_by_transaction[0].topic_results[0].results_by_partition[0].partition_error_code", 5, 120, 4,
     refused},
    {"AlterPartitionResponse", "topics[0].partitions[0].error_code", 2, 100, 1, "3"},
    {"AlterPartitionResponse", "topics[0].partitions[0].error_code", 3, 107, 1, "55"},
    {"AlterPartitionResponse", "topics[0].partitions[0].error_code", 3, 108, 0, "74"},
    {"AlterPartitionResponse", "topics[0].partitions[0].error_code", 3, 108, 2, "108"},
    {"ApiVersionsResponse", "error_code", 5, 129, 4, refused},
    {"ApiVersionsResponse", "error_code", 5, 35, 4, "35"},
    {"ConsumerGroupHeartbeatResponse", "error_code", 1, 128, 0, refused},
    {"CreateAclsRequest", "creations[0].resource_type", 3, 7, 2, refused},
    {"CreateAclsRequest", "creations[0].resource_type", 3, 2, 2, "2"},
    {"CreatePartitionsResponse", "results[0].error_code", 3, 89, 2, refused},
    {"CreateTopicsResponse", "topics[0].error_code", 6, 89, 5, refused},
    {"CreateTopicsResponse", "topics[0].error_code", 7, 89, 6, "89"},
    {"DeleteAclsRequest", "filters[0].resource_type_filter", 3, 7, 1, refused},
    {"DeleteAclsResponse", "filter_results[0].matching_acls[0].resource_type", 3, 7, 1, refused},
    {"DeleteGroupsResponse", "results[0].error_code", 3, 134, 2, "-1"},
    {"DeleteTopicsResponse", "responses[0].error_code", 5, 89, 4, refused},
    {"DescribeAclsRequest", "resource_type_filter", 3, 7, 2, refused},
    {"DescribeAclsResponse", "resources[0].resource_type", 3, 7, 2, refused},
    {"DescribeClusterResponse", "error_code", 1, 114, 0, "42"},
    {"DescribeClusterResponse", "error_code", 2, 115, 0, "42"},
    {"DescribeClusterResponse", "error_code", 2, 115, 1, "115"},
    {"DescribeGroupsResponse", "groups[0].error_code", 6, 69, 5, "0"},
    {"EndTxnResponse", "error_code", 5, 120, 4, "120"},
    {"EndTxnResponse", "error_code", 5, 120, 3, refused},
    {"FetchResponse", "responses[0].partitions[0].error_code", 14, 109, 13, refused},
    {"FetchResponse", "responses[0].partitions[0].error_code", 13, 103, 12, refused},
    {"FetchResponse", "responses[0].partitions[0].error_code", 13, 100, 12, "3"},
    {"FetchResponse", "responses[0].partitions[0].error_code", 18, 100, 4, "3"},
    {"FetchResponse", "responses[0].partitions[0].error_code", 18, 56, 5, "6"},
    {"FindCoordinatorResponse", "coordinators[0].error_code", 5, 120, 4, refused},
    {"InitProducerIdResponse", "error_code", 5, 120, 4, refused},
    {"LeaderAndIsrResponse", "partition_errors[0].error_code", 1, 56, 0, refused},
    {"ListTransactionsResponse", "error_code", 2, 128, 1, refused},
    {"MetadataResponse", "topics[0].partitions[0].error_code", 6, 72, 5, "5"},
    {"MetadataResponse", "topics[0].partitions[0].error_code", 12, 72, 6, "72"},
    {"OffsetCommitResponse", "topics[0].partitions[0].error_code", 10, 100, 9, "3"},
    {"OffsetCommitResponse", "topics[0].partitions[0].error_code", 9, 113, 8, refused},
    {"OffsetCommitResponse", "topics[0].partitions[0].error_code", 10, 69, 8, "22"},
    {"OffsetFetchResponse", "groups[0].error_code", 9, 113, 8, refused},
    {"OffsetFetchResponse", "groups[0].error_code", 9, 25, 8, refused},
    {"OffsetFetchResponse", "groups[0].topics[0].partitions[0].error_code", 10, 100, 9, "3"},
    {"OffsetFetchResponse", "topics[0].partitions[0].error_code", 7, 88, 6, refused},
    {"ProduceResponse", "responses[0].partition_responses[0].error_code", 13, 100, 12, "3"},
    {"ProduceResponse", "responses[0].partition_responses[0].error_code", 11, 120, 10, "48"},
    {"ProduceResponse", "responses[0].partition_responses[0].error_code", 13, 120, 11, "120"},
    {"ProduceResponse", "responses[0].partition_responses[0].error_code", 9, 56, 3, "6"},
    {"ShareGroupDescribeResponse", "groups[0].error_code", 1, 29, 0, refused},
    {"ShareGroupHeartbeatResponse", "error_code", 1, 29, 0, refused},
    {"StopReplicaResponse", "partition_errors[0].error_code", 3, 74, 2, refused},
    {"TxnOffsetCommitResponse", "topics[0].partitions[0].error_code", 3, 25, 2, refused},
    {"TxnOffsetCommitResponse", "topics[0].partitions[0].error_code", 6, 69, 5, "22"},
    {"TxnOffsetCommitResponse", "topics[0].partitions[0].error_code", 6, 113, 3, "22"},
    {"TxnOffsetCommitResponse", "topics[0].partitions[0].error_code", 6, 113, 2, refused},
    {"TxnOffsetCommitResponse", "topics[0].partitions[0].error_code", 6, 100, 0, "3"},
    {"TxnOffsetCommitResponse", "topics[0].partitions[0].error_code", 5, 120, 3, "48"},
    {"TxnOffsetCommitResponse", "topics[0].partitions[0].error_code", 2, 14, 1, "15"},
    {"TxnOffsetCommitResponse", "topics[0].partitions[0].error_code", 5, 14, 2, "14"},
    // On the way to newer versions.
    {"MetadataResponse", "topics[0].partitions[0].leader_epoch", 8, 5, 9, "-1"},
    {"MetadataResponse", "topics[0].partitions[0].leader_epoch", 7, 5, 13, "-1"},
    {"MetadataResponse", "topics[0].partitions[0].leader_epoch", 7, 5, 8, "5"},
    {"MetadataResponse", "topics[0].partitions[0].leader_epoch", 9, 5, 7, "5"},
    {"OffsetFetchResponse", "topics[0].partitions[0].error_code", 1, 16, 2, refused},
    {"OffsetFetchResponse", "topics[0].partitions[0].error_code", 1, 3, 2, "3"},
    {"OffsetFetchResponse", "topics[0].partitions[0].error_code", 0, 16, 1, "16"},
};

} // namespace

TEST_CASE("single values are what old versions have for them, or are refused by name") {
    for (const older_value& row : older_values) {
        CAPTURE(row.message, row.path, row.from, row.value, row.to);
        const std::string found =
            message_of(row.message).with(row.path, row.value).at_path_in(row.from, row.to, row.path);
        const std::string expected =
            row.expected == refused ? "meaning_differs " + std::string(row.path) : std::string(row.expected);
        CHECK(found == expected);
    }
}

TEST_CASE("every rule about single codes has a line above") {
    for (const kwire::detail::meaning_rule& rule : kwire::detail::meaning_table) {
        if (!rule.path.ends_with("error_code") ||
            (rule.kind != kwire::detail::meaning::since && rule.kind != kwire::detail::meaning::until))
            continue;
        bool tried = rule.message == "JoinGroupResponse"; // below
        for (const older_value& row : older_values) tried |= row.message == rule.message;
        CAPTURE(rule.message, rule.path);
        CHECK(tried);
    }
    CHECK(message_of("JoinGroupResponse").with("error_code", 79).at_path_in(4, 3, "error_code") ==
          "meaning_differs error_code");
}

TEST_CASE("what a newer version must say and an older one does not is refused") {
    CHECK(message_of("ApiVersionsRequest").at_path_in(2, 3, "client_software_name") ==
          "value_unknown client_software_name");
    CHECK(message_of("ApiVersionsRequest")
              .with_text("client_software_name", "a")
              .becomes(3, message_of("ApiVersionsRequest"), 0));
    CHECK(message_of("SyncGroupRequest").at_path_in(4, 5, "protocol_type") == "value_unknown protocol_type");
    CHECK(message_of("SyncGroupRequest")
              .with_text("protocol_type", "consumer")
              .with_text("protocol_name", "range")
              .becomes(5, message_of("SyncGroupRequest"), 4));
    CHECK(message_of("OffsetForLeaderEpochResponse")
              .with("topics[0].partitions[0].end_offset", 5)
              .at_path_in(0, 3, "topics") == "value_unknown topics[0].partitions[0].leader_epoch");
    CHECK(message_of("ShareFetchRequest")
              .with("topics[0].partitions[0].partition_index", 1)
              .at_path_in(1, 0, "topics") == "value_unknown topics[0].partitions[0].partition_max_bytes");
}

TEST_CASE("what brokers leave out of old versions is dropped") {
    constexpr std::string_view produced = "responses[0].partition_responses[0].error_code";
    const message_of bare = message_of("ProduceResponse").with(produced, 6);
    CHECK(message_of("ProduceResponse")
              .with(produced, 6)
              .with("responses[0].partition_responses[0].current_leader.leader_id", 3)
              .with("node_endpoints[0].port", 9092)
              .becomes(10, bare, 9));
    CHECK(message_of("FetchResponse")
              .with("responses[0].partitions[0].error_code", 6)
              .with("responses[0].partitions[0].current_leader.leader_id", 3)
              .with("node_endpoints[0].port", 9092)
              .becomes(16, message_of("FetchResponse").with("responses[0].partitions[0].error_code", 6), 4));
    for (const std::string_view name :
         {"BeginQuorumEpochResponse", "EndQuorumEpochResponse", "FetchSnapshotResponse", "VoteResponse"})
        CHECK(message_of(name).with("node_endpoints[0].port", 9092).becomes(1, message_of(name), 0));
    CHECK(message_of("DescribeQuorumResponse")
              .with("nodes[0].node_id", 3)
              .becomes(2, message_of("DescribeQuorumResponse"), 1));
    CHECK(
        message_of("DescribeGroupsResponse")
            .with("groups[0].error_code", 69)
            .with_text("groups[0].error_message", "no such group")
            .with_text("groups[0].group_state", "Dead")
            .becomes(6, message_of("DescribeGroupsResponse").with_text("groups[0].group_state", "Dead"), 5));
    CHECK(message_of("StreamsGroupHeartbeatResponse")
              .with("topology_description_required", 1)
              .at_path_in(1, 0, "topology_description_required") == "absent");
}

TEST_CASE("the offset of ListOffsets is the only element of version 0") {
    constexpr std::string_view partition = "topics[0].partitions[0].";
    const auto path = [&](std::string_view field) { return std::string(partition) + std::string(field); };
    const message_of one = message_of("ListOffsetsResponse").with_numbers(path("old_style_offsets"), {42});
    const message_of none = message_of("ListOffsetsResponse").with(path("error_code"), 0);
    const message_of offset =
        message_of("ListOffsetsResponse").with(path("offset"), 42).with(path("leader_epoch"), 7);
    CHECK(offset.becomes(4, one, 0));
    CHECK(offset.becomes(4, message_of("ListOffsetsResponse").with(path("offset"), 42), 3));
    CHECK(one.becomes(0, message_of("ListOffsetsResponse").with(path("offset"), 42), 1));
    CHECK(none.becomes(0, none, 11));
    CHECK(none.becomes(1, none, 0));
    CHECK(message_of("ListOffsetsResponse")
              .with_numbers(path("old_style_offsets"), {42, 7})
              .at_path_in(0, 1, "topics") == "meaning_differs topics[0].partitions[0].old_style_offsets");
    CHECK(message_of("ListOffsetsResponse").with(path("timestamp"), 5).at_path_in(1, 0, "topics") ==
          "field_not_in_version topics[0].partitions[0].timestamp");
}

TEST_CASE("batches of a compression that the other version does not know are refused") {
    // A batch of magic 2 without records, its attributes, and the same of magic 1.
    const auto batch = [](std::string_view attributes) {
        return "0000000000000000 00000031 00000000 02 00000000" + std::string(attributes) +
               "00000000 0000000000000000 0000000000000000 ffffffffffffffff ffff ffffffff 00000000";
    };
    const auto legacy = [](std::string_view attributes) {
        return "0000000000000000 00000016 00000000 01" + std::string(attributes) +
               "0000000000000000 ffffffff ffffffff";
    };
    constexpr std::string_view produced = "topic_data[0].partition_data[0].records";
    const auto produce = [&](const std::string& records) {
        return message_of("ProduceRequest").with_records(produced, records);
    };
    CHECK(produce(batch("0004")).at_path_in(7, 6, "topic_data") ==
          "meaning_differs topic_data[0].partition_data[0].records");
    CHECK(produce(batch("0003") + batch("0014")).at_path_in(9, 3, "topic_data") ==
          "meaning_differs topic_data[0].partition_data[0].records");
    CHECK(produce(batch("0003") + batch("0010")).becomes(9, produce(batch("0003") + batch("0010")), 3));
    CHECK(produce(batch("0004")).becomes(9, produce(batch("0004")), 7));
    CHECK(produce(batch("0004")).becomes(6, produce(batch("0004")), 3)); // unchanged
    constexpr std::string_view fetched = "responses[0].partitions[0].records";
    const auto fetch = [&](const std::string& records) {
        return message_of("FetchResponse").with_records(fetched, records);
    };
    CHECK(fetch(batch("0004")).at_path_in(10, 9, "responses") ==
          "meaning_differs responses[0].partitions[0].records");
    CHECK(fetch(legacy("02") + batch("0001")).becomes(11, fetch(legacy("02") + batch("0001")), 4));
    CHECK(fetch(batch("0004").substr(0, batch("0004").size() - 8)).at_path_in(11, 4, "throttle_time_ms") ==
          "0"); // cut short
}
