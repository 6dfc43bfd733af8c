#include "echo_broker/log/own_records.hpp"

#include <kwire/records/batch.hpp>
#include <kwire/records/builder.hpp>
#include <kwire/records/control_builder.hpp>
#include <kwire/records/read.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "echo_broker/broker.hpp"
#include "echo_broker/clock.hpp"

namespace echo_broker {

namespace {

/// Appends a batch that has its offset and leader epoch.
void append_built(broker& here, partition_log& partition, kwire::shared_buffer batch) {
    const auto view = kwire::batch_at(batch.span());
    if (!view) throw std::logic_error("the broker has built an invalid batch");
    partition.advance(view->next_offset());
    partition.append(here.records, stored_batch(*view, std::move(batch)), 0);
}

/// Calls `visit` for each record in a partition, from the oldest to the newest, with its key and its value.
/// The bytes are valid during the call. Throws std::system_error if a file cannot be read.
template <class Visitor>
void for_each_own(const partition_log& partition, const Visitor& visit) {
    partition.visit(partition.start_offset(), [&](const kwire::batch_view& batch) {
        if (batch.is_control()) return true;
        const auto records = kwire::records(batch, kwire::codec_set(), 0); // own batches are not compressed
        if (!records) return true;
        for (const auto record : *records) {
            if (!record) break;
            if (record->offset() >= partition.start_offset())
                visit(record->key().value_or(std::span<const std::byte>()), record->value());
        }
        return true;
    });
}

} // namespace

std::int32_t hash_of(std::string_view text) noexcept {
    std::uint32_t hash = 0;
    for (const char c : text) hash = 31 * hash + static_cast<unsigned char>(c);
    return static_cast<std::int32_t>(hash & 0x7fffffff);
}

partition_log* own_partition(broker& here, std::string_view topic_name, std::string_view name) noexcept {
    topic* const found = here.topics.find(topic_name);
    if (found == nullptr || found->partitions.empty()) return nullptr;
    return found->partition(hash_of(name) % found->partition_count());
}

void append_own(broker& here, partition_log& partition, std::span<const own_record> records,
                const producer_identity& producer) {
    if (records.empty()) return;
    kwire::batch_builder builder({.base_offset = partition.end_offset(),
                                  .partition_leader_epoch = leader_epoch,
                                  .producer_id = producer.id,
                                  .producer_epoch = producer.epoch,
                                  .is_transactional = producer.id >= 0,
                                  // A transaction of many partitions is larger than clients' batches may be.
                                  .max_bytes = std::numeric_limits<std::int32_t>::max(),
                                  .expected_bytes = 512});
    const std::int64_t now = milliseconds_now();
    for (const own_record& one : records) {
        std::optional<std::span<const std::byte>> value;
        if (one.value) value = one.value->span();
        if (!builder.append({.timestamp = now, .key = one.key.span(), .value = value}))
            throw std::length_error("a record of the broker's own is larger than a batch");
    }
    if (producer.id >= 0) partition.transactions.write(producer.id, producer.epoch, partition.end_offset());
    append_built(here, partition, std::move(builder).finish().to_bytes());
}

void append_marker(broker& here, partition_log& partition, const producer_identity& producer, bool committed,
                   std::int64_t timestamp) {
    partition.transactions.end(producer.id, partition.end_offset(), committed);
    append_built(
        here, partition,
        kwire::build_marker({.type = committed ? kwire::control_type::commit : kwire::control_type::abort,
                             .producer_id = producer.id,
                             .producer_epoch = producer.epoch,
                             .coordinator_epoch = coordinator_epoch,
                             .timestamp = timestamp,
                             .base_offset = partition.end_offset(),
                             .partition_leader_epoch = leader_epoch}));
}

void compact_own(broker& here, partition_log& partition) {
    constexpr std::uint64_t worth_it = 4 << 20;
    if (partition.bytes() < worth_it) return;
    bool in_transaction = false; // whose records count only with their markers
    partition.visit(partition.start_offset(), [&](const kwire::batch_view& batch) {
        in_transaction = batch.is_transactional();
        return !in_transaction;
    });
    if (in_transaction) return;

    std::map<std::string, std::uint64_t> newest; // the number of the last record of each key
    std::uint64_t number = 0;
    std::uint64_t live = 0;
    const auto text = [](std::span<const std::byte> key) {
        std::string out(key.size(), '\0');
        std::ranges::transform(key, out.begin(), [](std::byte b) { return static_cast<char>(b); });
        return out;
    };
    for_each_own(partition, [&](std::span<const std::byte> key, auto) { newest[text(key)] = number++; });
    number = 0;
    std::vector<own_record> kept;
    for_each_own(partition, [&](std::span<const std::byte> key, auto value) {
        if (number++ != newest[text(key)] || !value) return;
        kept.push_back({kwire::shared_buffer::copy_of(key), kwire::shared_buffer::copy_of(*value)});
        live += key.size() + value->size();
    });
    if (live > partition.bytes() / 4) return;

    // First written again, then dropped: what is read after a crash in between is the same.
    partition.roll();
    const std::int64_t first = partition.end_offset();
    constexpr std::size_t in_a_batch = 256;
    for (std::span<const own_record> rest = kept; !rest.empty();) {
        const auto some = rest.first(std::min(rest.size(), in_a_batch));
        append_own(here, partition, some);
        rest = rest.subspan(some.size());
    }
    here.storage.sync_all();
    partition.drop_before(here.records, first);
}

} // namespace echo_broker
