#include "echo_broker/transactions/markers.hpp"

#include "echo_broker/broker.hpp"
#include "echo_broker/groups/transaction_offsets.hpp"
#include "echo_broker/log/own_records.hpp"

namespace echo_broker {

void write_markers(broker& here, const transaction& ended, bool committed) {
    const auto [producer_id, epoch] = ended.producer;
    for (const auto& [name, partitions] : ended.partitions) {
        topic* const topic = here.topics.find(name);
        if (topic == nullptr) continue; // deleted meanwhile
        for (const std::int32_t index : partitions) {
            partition_log* const log = topic->partition(index);
            if (log == nullptr) continue;
            here.producers.add_marker(*log, producer_id, epoch, coordinator_epoch, ended.updated_at);
            append_marker(here, *log, ended.producer, committed, ended.updated_at);
        }
    }
    for (const std::string& group : ended.groups)
        end_transaction_of_offsets(here, group, producer_id, committed);
}

} // namespace echo_broker
