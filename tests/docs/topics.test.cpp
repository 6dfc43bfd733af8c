/// The code of docs/topics.md.
#include <kwire/embedded/consumer_protocol.hpp>
#include <kwire/kwire.hpp>
#include <kwire/messages/consumer_protocol_subscription.hpp>
#include <kwire/messages/join_group.hpp>
#include <kwire/messages/offset_commit_record.hpp>
#include <kwire/messages/registry.hpp>
#include <kwire/messages/topic_record.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"

namespace {

int complaints = 0;
void complain(const kwire::error&) { ++complaints; }

// Applies a batch of __consumer_offsets to what is known of committed offsets.
void apply(kwire::batch_view batch, std::map<std::string, std::int64_t>& committed) {
    if (batch.is_control()) return; // the markers of transactions
    const auto records = kwire::records(batch);
    if (!records) return complain(records.error());
    for (const auto record : *records) {
        if (!record) return complain(record.error());
        const auto done = kwire::visit_record<kwire::consumer_offsets>(
            *record, kwire::overloaded{
                         [&](kwire::offset_commit_key::view key,
                             std::optional<kwire::offset_commit_value::view> value) {
                             const std::string partition =
                                 std::string(key.topic()) + "-" + std::to_string(key.partition());
                             if (value)
                                 committed[partition] = value->offset();
                             else
                                 committed.erase(partition); // a tombstone
                         },
                         [](kwire::stored_message<kwire::consumer_offsets>) {}, // all other records
                     });
        if (!done) complain(done.error()); // this record is not sound; the next one may be
    }
}

// Adds the names of the topics that a batch of the metadata log creates.
void learn_topics(kwire::batch_view batch, std::vector<std::string>& names) {
    if (batch.is_control()) return; // changes of the leader, the ends of snapshots
    const auto records = kwire::records(batch);
    if (!records) return complain(records.error());
    for (const auto record : *records) {
        if (!record) return complain(record.error());
        const auto done = kwire::visit_record<kwire::cluster_metadata>(
            *record, kwire::overloaded{
                         [&](kwire::topic_record::view topic) { names.emplace_back(topic.name()); },
                         [](kwire::stored_message<kwire::cluster_metadata>) {},
                     });
        if (!done) complain(done.error());
    }
}

// Any record of __consumer_offsets as text.
std::string to_text(const kwire::record_view& record) {
    const auto stored = kwire::stored_message_of<kwire::consumer_offsets>(record);
    if (!stored) return kwire::to_string(stored.error());
    const kwire::message_info* key = kwire::find_message(stored->key_message());
    const kwire::message_info* value = kwire::find_message(stored->value_message());
    if (key == nullptr || value == nullptr) return "type " + std::to_string(stored->type());

    const auto key_view = kwire::parse_view(*key, stored->key_bytes(), key->facts.versions.first);
    if (!key_view) return kwire::to_string(key_view.error());
    std::string text = kwire::to_text(*key_view) + " -> ";
    if (stored->is_tombstone()) return text + "deleted";
    const auto value_view =
        kwire::parse_view(*value, stored->value_bytes(), stored->value_version().value_or(-1));
    return text + (value_view ? kwire::to_text(*value_view) : kwire::to_string(value_view.error()));
}

// The topics that the members of a group subscribe to, for the leader to assign.
std::set<std::string> subscribed(const kwire::message<kwire::join_group_response>& join) {
    constexpr kwire::parse_options options{.missing_newer_fields = true}; // kafkajs, kafka-go
    std::set<std::string> topics;
    for (const auto member : join->members()) {
        const auto subscription = kwire::subscription_of(join, member, options);
        if (!subscription) {
            complain(subscription.error());
            continue;
        }
        for (const auto topic : subscription->topics()) topics.emplace(topic);
    }
    return topics;
}

std::optional<kwire::shared_buffer> commit() {
    kwire::batch_builder builder;
    const auto key = kwire::encode_stored_key<kwire::offset_commit_key>(
        {.group = "billing", .topic = "orders", .partition = 3});
    const auto value = kwire::encode_versioned<kwire::offset_commit_value>({.offset = 42}, 3);
    if (!key || !value) return std::nullopt;
    if (!builder.append({.key = key->span(), .value = value->span()})) return std::nullopt;
    return std::move(builder).finish().to_bytes();
}

} // namespace

TEST_CASE("committed offsets are followed through the records of their topic") {
    std::map<std::string, std::int64_t> committed;
    const auto batch = commit();
    REQUIRE(batch);
    apply(kwire::batch_at(batch->span()).value(), committed);
    CHECK(committed == std::map<std::string, std::int64_t>{{"orders-3", 42}});
    const auto records = kwire::records(kwire::batch_at(batch->span()).value());
    REQUIRE(records);
    for (const auto record : *records)
        CHECK(to_text(record.value()) ==
              "OffsetCommitKey v0 {group: \"billing\", topic: \"orders\", partition: 3} -> "
              "OffsetCommitValue v3 {offset: 42, leader_epoch: -1, metadata: \"\", "
              "commit_timestamp: 0}");

    kwire::batch_builder builder;
    const auto key = kwire::encode_stored_key<kwire::offset_commit_key>(
        {.group = "billing", .topic = "orders", .partition = 3});
    REQUIRE(key);
    REQUIRE(builder.append({.key = key->span(), .value = std::nullopt}));
    REQUIRE(builder.append({.key = std::nullopt, .value = std::nullopt}));
    const auto tombstone = std::move(builder).finish().to_bytes();
    apply(kwire::batch_at(tombstone.span()).value(), committed);
    CHECK(committed.empty());
    CHECK(complaints == 1); // no key
    const auto deleted = kwire::records(kwire::batch_at(tombstone.span()).value());
    REQUIRE(deleted);
    CHECK(to_text(**deleted->begin()).ends_with(" -> deleted"));
}

TEST_CASE("topics are found in the metadata log") {
    kwire::batch_builder builder;
    const auto record = kwire::encode_metadata_value<kwire::topic_record>({.name = "orders"}, 0);
    REQUIRE(record);
    REQUIRE(builder.append({.value = record->span()}));
    const auto batch = std::move(builder).finish().to_bytes();
    std::vector<std::string> names;
    learn_topics(kwire::batch_at(batch.span()).value(), names);
    CHECK(names == std::vector<std::string>{"orders"});
}

TEST_CASE("a leader sees what the members subscribe to") {
    const auto member = [](std::string_view hex) {
        return kwire::join_group_response::member::data{
            .member_id = "m", .metadata = kwire::shared_buffer::adopt(kwire::test::from_hex(hex))};
    };
    const auto body = kwire::encode<kwire::join_group_response>(
        {.members = {member("0001 00000001 0009 74657374746f706963 00000000"),
                     member("0000 00000001 0006 6f7264657273 ffffffff"), member("0000")}},
        5);
    const auto join = kwire::parse<kwire::join_group_response>(body.value().to_bytes(), 5);
    REQUIRE(join);
    complaints = 0;
    CHECK(subscribed(*join) == std::set<std::string>{"orders", "testtopic"});
    CHECK(complaints == 1);
}
