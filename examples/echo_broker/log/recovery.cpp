#include "echo_broker/log/recovery.hpp"

#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

#include "echo_broker/broker.hpp"
#include "echo_broker/groups/group_log.hpp"
#include "echo_broker/log/own_records.hpp"
#include "echo_broker/log/restore_producers.hpp"
#include "echo_broker/transactions/transaction_log.hpp"

namespace echo_broker {

void open_log(broker& here, std::string_view topic, std::int32_t index, partition_log& partition,
              bool is_new) {
    const std::filesystem::path directory = here.storage.directory_of(topic, index);
    if (is_new) {
        std::error_code failure;
        std::filesystem::remove_all(directory, failure);
        if (failure) stop_because_storage_failed(directory, "remove", failure.value());
    }
    partition.open(here.storage, directory, [&](const kwire::batch_view& batch) {
        restore_producer(here, partition, batch);
        return true;
    });
}

namespace {

/// The topic, which is made if it is not there. Throws std::runtime_error.
topic& own_topic(broker& here, std::string_view name) {
    constexpr std::int32_t partitions = 4; // enough to append side by side, few enough for small brokers
    topic* const found = here.topics.find(name);
    topic* const own = found != nullptr ? found : here.topics.create(name, partitions);
    if (own == nullptr) throw std::runtime_error("the topic " + std::string(name) + " cannot be made");
    return *own;
}

/// Shows the batches of a topic of the broker's own to `restore`, after outdated records are dropped.
void read_back(broker& here, std::string_view name, void (*restore)(broker&, const kwire::batch_view&)) {
    for (partition_log& log : own_topic(here, name).partitions) {
        compact_own(here, log);
        log.visit(log.start_offset(), [&](const kwire::batch_view& batch) {
            restore(here, batch);
            return true;
        });
    }
}

} // namespace

void restore_own_records(broker& here) {
    read_back(here, group_topic, restore_groups);
    read_back(here, transaction_topic, restore_transactions);
    for (const auto& [id, transaction] : here.transactions.all())
        for (const std::string& group : here.offsets.groups_with(transaction.producer.id))
            here.transactions.restore_group(transaction.producer.id, group);
    here.transactions.finish_restoring(here);
    finish_restoring_groups(here);
}

} // namespace echo_broker
