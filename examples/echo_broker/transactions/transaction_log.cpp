#include "echo_broker/transactions/transaction_log.hpp"

#include <kwire/embedded/encode_stored.hpp>
#include <kwire/embedded/visit_record.hpp>
#include <kwire/messages/transaction_log_record.hpp>
#include <kwire/records/read.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "echo_broker/broker.hpp"
#include "echo_broker/groups/group_log.hpp"
#include "echo_broker/log/own_records.hpp"

namespace echo_broker {

namespace {

void write(broker& here, partition_log& log, std::string_view id, std::optional<kwire::shared_buffer> value) {
    auto key = kwire::encode_stored_key<kwire::transaction_log_key>({.transactional_id = std::string(id)});
    if (!key) throw std::length_error("a transactional id does not fit into a record");
    const std::array record{own_record{*std::move(key), std::move(value)}};
    append_own(here, log, record);
}

/// Groups are in it as Kafka has them: by the partition of their offsets, of which it has 50 by default.
kwire::transaction_log_value::data value_of(const transaction& one) {
    kwire::transaction_log_value::data value;
    value.producer_id = one.producer.id;
    value.previous_producer_id = one.previous_producer_id;
    value.next_producer_id = one.next_producer_id;
    value.producer_epoch = one.producer.epoch;
    value.transaction_timeout_ms = one.timeout_ms;
    value.transaction_status = static_cast<std::int8_t>(one.state);
    value.transaction_last_update_timestamp_ms = one.updated_at;
    value.transaction_start_timestamp_ms = one.started_at;
    value.client_transaction_version = static_cast<std::int16_t>(one.protocol);
    for (const auto& [topic, partitions] : one.partitions) {
        auto& out = value.transaction_partitions.emplace_back();
        out.topic = topic;
        for (const std::int32_t partition : partitions) out.partition_ids.push_back(partition);
    }
    if (!one.groups.empty()) {
        constexpr std::int32_t partitions = 50;
        std::set<std::int32_t> used;
        for (const std::string& group : one.groups) used.insert(hash_of(group) % partitions);
        auto& out = value.transaction_partitions.emplace_back();
        out.topic = group_topic;
        for (const std::int32_t partition : used) out.partition_ids.push_back(partition);
    }
    return value;
}

transaction transaction_of(const kwire::transaction_log_value::view& value) {
    transaction one;
    one.producer = {value.producer_id(), value.producer_epoch()};
    one.previous_producer_id = value.previous_producer_id();
    one.next_producer_id = value.next_producer_id();
    one.timeout_ms = value.transaction_timeout_ms();
    one.updated_at = value.transaction_last_update_timestamp_ms();
    one.started_at = value.transaction_start_timestamp_ms();
    one.protocol =
        value.client_transaction_version() >= 2 ? transaction_protocol::two : transaction_protocol::one;
    const std::int8_t status = value.transaction_status();
    if (status >= 0 && status <= static_cast<std::int8_t>(transaction_state::complete_abort))
        one.state = static_cast<transaction_state>(status);
    for (auto in : value.transaction_partitions()) {
        if (in.topic() == group_topic) continue; // its groups come with their offsets
        auto& partitions = one.partitions[std::string(in.topic())];
        for (const std::int32_t partition : in.partition_ids()) partitions.insert(partition);
    }
    return one;
}

} // namespace

void store(broker& here, const transaction& one) {
    partition_log* const log = own_partition(here, transaction_topic, one.id);
    if (log == nullptr) return;
    auto value = kwire::encode_versioned<kwire::transaction_log_value>(value_of(one), 1);
    if (!value) throw std::length_error("a transaction does not fit into a record");
    write(here, *log, one.id, *std::move(value));
}

void store_end_of(broker& here, std::string_view id) {
    if (partition_log* const log = own_partition(here, transaction_topic, id))
        write(here, *log, id, std::nullopt);
}

void restore_transactions(broker& here, const kwire::batch_view& batch) {
    const auto records = kwire::records(batch, here.codecs.all, codecs::most_bytes);
    if (!records || batch.is_control()) return;
    for (const auto& record : *records) {
        if (!record) return;
        [[maybe_unused]] const auto done = kwire::visit_record<kwire::transaction_state>(
            *record, kwire::overloaded{
                         [&](kwire::transaction_log_key::view key,
                             std::optional<kwire::transaction_log_value::view> value) {
                             if (value)
                                 here.transactions.restore(here, key.transactional_id(),
                                                           transaction_of(*value));
                             else
                                 here.transactions.forget(key.transactional_id());
                         },
                         [](kwire::stored_message<kwire::transaction_state>) {},
                     });
    }
}

} // namespace echo_broker
