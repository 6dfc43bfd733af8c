#include "echo_broker/groups/group_log.hpp"

#include <kwire/embedded/encode_stored.hpp>
#include <kwire/messages/group_metadata_record.hpp>
#include <kwire/messages/offset_commit_record.hpp>

#include <optional>
#include <utility>
#include <vector>

#include "echo_broker/broker.hpp"
#include "echo_broker/clock.hpp"
#include "echo_broker/log/own_records.hpp"

namespace echo_broker {

namespace {

constexpr int group_version = 3;  // as Kafka 4 writes it: newer versions add nothing
constexpr int offset_version = 4; // with topic ids

/// The record, unless a text in it is longer than the fields of the format, which no request can carry.
void add(std::vector<own_record>& records, kwire::expected<kwire::shared_buffer, kwire::error> key,
         std::optional<kwire::expected<kwire::shared_buffer, kwire::error>> value = std::nullopt) {
    if (!key || (value && !*value)) return;
    records.push_back({*std::move(key), value ? std::optional(**std::move(value)) : std::nullopt});
}

auto key_of(std::string_view group, std::string_view topic, std::int32_t partition) {
    return kwire::encode_stored_key<kwire::offset_commit_key>(
        {.group = std::string(group), .topic = std::string(topic), .partition = partition});
}

} // namespace

void log_group(broker& here, const classic_group& group) {
    partition_log* const partition = own_partition(here, group_topic, group.name);
    if (partition == nullptr) return;
    kwire::group_metadata_value::data value{.protocol_type = group.protocol_type.value_or(""),
                                            .generation = group.generation,
                                            .protocol = group.protocol,
                                            .leader = group.leader,
                                            .current_state_timestamp = group.state_since};
    for (const auto& [id, member] : group.members) {
        const member_protocol* const chosen = member.find(group.protocol.value_or(""));
        value.members.push_back(
            {.member_id = id,
             .group_instance_id = member.instance_id,
             .client_id = member.client_id,
             .client_host = member.client_host,
             .rebalance_timeout = static_cast<std::int32_t>(member.rebalance_timeout.count()),
             .session_timeout = static_cast<std::int32_t>(member.session_timeout.count()),
             .subscription = chosen != nullptr ? chosen->metadata : kwire::shared_buffer(),
             .assignment = member.assignment});
    }
    std::vector<own_record> records;
    add(records, kwire::encode_stored_key<kwire::group_metadata_key>({.group = group.name}),
        kwire::encode_versioned<kwire::group_metadata_value>(value, group_version));
    append_own(here, *partition, records);
}

void log_group_removal(broker& here, std::string_view group) {
    partition_log* const partition = own_partition(here, group_topic, group);
    if (partition == nullptr) return;
    std::vector<own_record> records;
    add(records, kwire::encode_stored_key<kwire::group_metadata_key>({.group = std::string(group)}));
    append_own(here, *partition, records);
}

void log_offsets(broker& here, std::string_view group, std::span<const offset_of_partition> offsets,
                 producer_identity producer) {
    partition_log* const partition = own_partition(here, group_topic, group);
    if (partition == nullptr) return;
    std::vector<own_record> records;
    for (const offset_of_partition& one : offsets)
        add(records, key_of(group, one.topic, one.partition),
            kwire::encode_versioned<kwire::offset_commit_value>({.offset = one.content.offset,
                                                                 .leader_epoch = one.content.leader_epoch,
                                                                 .metadata = one.content.metadata,
                                                                 .commit_timestamp = one.content.timestamp,
                                                                 .topic_id = one.content.topic_id},
                                                                offset_version));
    append_own(here, *partition, records, producer);
}

void log_offset_removals(broker& here, std::string_view group, std::span<const named_partition> offsets) {
    partition_log* const partition = own_partition(here, group_topic, group);
    if (partition == nullptr) return;
    std::vector<own_record> records;
    for (const named_partition& one : offsets) add(records, key_of(group, one.topic, one.partition));
    append_own(here, *partition, records);
}

void log_transaction_end(broker& here, std::string_view group, producer_identity producer, bool committed) {
    partition_log* const partition = own_partition(here, group_topic, group);
    if (partition == nullptr) return;
    append_marker(here, *partition, producer, committed, milliseconds_now());
}

} // namespace echo_broker
