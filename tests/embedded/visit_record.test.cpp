#include <kwire/embedded/encode_stored.hpp>
#include <kwire/embedded/visit_record.hpp>
#include <kwire/expected.hpp>
#include <kwire/messages/group_metadata_record.hpp>
#include <kwire/messages/offset_commit_record.hpp>
#include <kwire/messages/partition_record.hpp>
#include <kwire/messages/share_snapshot_record.hpp>
#include <kwire/messages/topic_record.hpp>
#include <kwire/records/builder.hpp>
#include <kwire/records/record_range.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "embedded/stored_records.hpp"
#include "support/golden.hpp"

using kwire::consumer_offsets;
using kwire::errc;
using kwire::visit_record;
using kwire::test::stored_record;

namespace {

/// What the visitor of a record of __consumer_offsets was called with.
kwire::expected<std::string, kwire::error> seen(const stored_record& record,
                                                kwire::parse_options options = {}) {
    return visit_record<consumer_offsets>(
        record.key, record.value,
        kwire::overloaded{
            [](kwire::offset_commit_key::view key,
               std::optional<kwire::offset_commit_value::view> value) -> std::string {
                return std::string(key.topic()) +
                       (value ? " at " + std::to_string(value->offset()) : " gone");
            },
            [](const kwire::group_metadata_key::view& key,
               const std::optional<kwire::group_metadata_value::view>& value) {
                return std::string(key.group()) +
                       (value ? " speaks " + std::string(value->protocol_type()) : "");
            },
            [](kwire::stored_message<consumer_offsets> other) {
                return "type " + std::to_string(other.type()) + " " + std::string(other.value_message());
            },
        },
        options);
}

} // namespace

TEST_CASE("each record goes to the function that accepts its messages") {
    using namespace kwire::test;
    CHECK(seen({offset_key, offset_value}) == "orders at 42");
    CHECK(seen({offset_key, "-"}) == "orders gone");
    CHECK(seen({group_key, group_value}) == "g speaks consumer");
    CHECK(seen({group_key, "-"}) == "g");
}

TEST_CASE("what no function accepts or kwire does not know goes to the function for all others") {
    using namespace kwire::test;
    CHECK(seen({consumer_group_key, consumer_group_value}) == "type 3 ConsumerGroupMetadataValue");
    CHECK(seen({streams_key, "-"}) == "type 23 StreamsGroupTopologyValue");
    CHECK(seen({"0063 00", "77"}) == "type 99 ");
    CHECK(seen({offset_key, "0005 7777"}) == "type 1 OffsetCommitValue"); // a newer version of the value
}

TEST_CASE("records that are not sound are errors, and the visitor is not called") {
    using namespace kwire::test;
    const auto refused = [](const stored_record& record) {
        const auto result = seen(record);
        REQUIRE(!result);
        return std::string(std::string_view(kwire::describe(result.error())));
    };
    CHECK(refused({"-", offset_value}) == "key: null_not_allowed at byte 0");
    CHECK(refused({"0001 0001", offset_value}) ==
          "OffsetCommitKey v0 group: truncated at byte 4, needs 1 byte, 0 left");
    CHECK(refused({offset_key, ""}) == "OffsetCommitValue: absent at byte 0");
    CHECK(refused({offset_key, "0003 00"}) ==
          "OffsetCommitValue v3 offset: truncated at byte 2, needs 8 bytes, 1 left");
    CHECK(refused({offset_key, "ffff 00"}) == "OffsetCommitValue: unsupported_version at byte 0");
    const std::string spare(offset_value);
    CHECK(refused({offset_key, spare + "00"}) == "OffsetCommitValue v3: trailing_bytes at byte 25");
    CHECK(seen({offset_key, spare + "00"}, kwire::parse_options::as_kafka()) == "orders at 42");
}

TEST_CASE("records of the metadata log have one parameter") {
    std::vector<std::string> log;
    auto visitor = kwire::overloaded{
        [&](kwire::topic_record::view topic) { log.emplace_back(topic.name()); },
        [&](kwire::partition_record::view partition) {
            log.push_back("partition " + std::to_string(partition.partition_id()));
        },
        [&](auto&& other) { log.push_back("type " + std::to_string(other.type())); },
    };
    for (const auto value : {kwire::test::topic_record, kwire::test::partition_record,
                             kwire::test::feature_record, kwire::test::no_op_record}) {
        const stored_record record("-", value);
        CHECK(visit_record<kwire::cluster_metadata>(record.key, record.value, visitor));
    }
    CHECK(log == std::vector<std::string>{"orders", "partition 3", "type 12", "type 20"});
    const stored_record newer("-", "01 03 09 00"); // PartitionRecord v9
    CHECK(visit_record<kwire::cluster_metadata>(newer.key, newer.value, visitor));
    CHECK(log.back() == "type 3");
}

TEST_CASE("a visitor may return an error of its own or nothing but take the record") {
    const stored_record record(kwire::test::snapshot_key, kwire::test::snapshot_value);
    int others = 0;
    CHECK(visit_record<kwire::share_group_state>(
        record.key, record.value, [&](kwire::stored_message<kwire::share_group_state>) { ++others; }));
    CHECK(others == 1);
    const auto offset = visit_record<kwire::share_group_state>(
        record.key, record.value,
        kwire::overloaded{
            [](kwire::share_snapshot_key::view key, std::optional<kwire::share_snapshot_value::view> value)
                -> std::int64_t { return value ? value->start_offset() + key.partition() : -1; },
            [](kwire::stored_message<kwire::share_group_state>) -> std::int64_t { return 0; },
        });
    CHECK(offset == 6);
}

TEST_CASE("the records of a batch are visited in place") {
    kwire::batch_builder builder;
    const auto key =
        kwire::encode_stored_key<kwire::offset_commit_key>({.group = "g", .topic = "orders", .partition = 3});
    const auto value = kwire::encode_versioned<kwire::offset_commit_value>({.offset = 7}, 4);
    REQUIRE((key && value));
    REQUIRE(builder.append({.key = key->span(), .value = value->span()}));
    REQUIRE(builder.append({.key = key->span(), .value = std::nullopt}));
    const kwire::shared_buffer bytes = std::move(builder).finish().to_bytes();
    std::vector<std::int64_t> offsets;
    const auto records = kwire::records(kwire::batch_at(bytes.span()).value());
    REQUIRE(records);
    for (const auto record : *records) {
        REQUIRE(record);
        CHECK(visit_record<consumer_offsets>(
            *record,
            kwire::overloaded{
                [&](kwire::offset_commit_key::view, std::optional<kwire::offset_commit_value::view> v) {
                    offsets.push_back(v ? v->offset() : -1);
                },
                [&](kwire::stored_message<consumer_offsets>) {},
            }));
    }
    CHECK(offsets == std::vector<std::int64_t>{7, -1});
}

TEST_CASE("every golden value of a committed offset and of a group reaches its function") {
    std::map<std::string, int> accepted;
    const auto key_of = [](std::string_view message) {
        return message == "OffsetCommitValue" ? kwire::test::offset_key : kwire::test::group_key;
    };
    for (const auto& golden : support::golden_messages()) {
        if (golden.message != "OffsetCommitValue" && golden.message != "GroupMetadataValue") continue;
        std::string hex = golden.version < 0 ? "" : "000" + std::to_string(golden.version);
        hex += kwire::test::to_hex(golden.bytes);
        const auto result = seen({key_of(golden.message), hex});
        CHECK(result.has_value() == !golden.rejected());
        if (result) ++accepted[golden.message];
    }
    CHECK(accepted["OffsetCommitValue"] > 20);
    CHECK(accepted["GroupMetadataValue"] > 20);
}
