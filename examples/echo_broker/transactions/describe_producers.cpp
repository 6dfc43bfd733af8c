// DescribeProducers: who writes to a partition, and who holds up its last stable offset (KIP-664).
#include <kwire/messages/describe_producers.hpp>

#include <set>

#include "echo_broker/broker.hpp"
#include "echo_broker/transactions/handlers.hpp"

namespace echo_broker {

kwire::describe_producers_response::data
describe_producers(broker& here, const kwire::message<kwire::describe_producers_request>& asked, client&) {
    kwire::describe_producers_response::data answer;
    std::set<const partition_log*> described; // each once: the producers of a partition may be many
    for (auto asked_topic : asked->topics()) {
        topic* const topic = here.topics.find(asked_topic.name());
        auto& out = answer.topics.emplace_back();
        out.name = asked_topic.name();
        for (const std::int32_t index : asked_topic.partition_indexes()) {
            auto& result = out.partitions.emplace_back();
            result.partition_index = index;
            const partition_log* const log = topic != nullptr ? topic->partition(index) : nullptr;
            if (log == nullptr) {
                result.error_code = error_code::unknown_topic_or_partition;
                continue;
            }
            if (!described.insert(log).second) {
                out.partitions.pop_back();
                continue;
            }
            for (const producer_summary& one : here.producers.all_of(*log))
                result.active_producers.push_back(
                    {.producer_id = one.id,
                     .producer_epoch = one.epoch,
                     .last_sequence = one.last_sequence,
                     .last_timestamp = one.last_timestamp,
                     .coordinator_epoch = one.coordinator_epoch,
                     .current_txn_start_offset = log->transactions.first_offset(one.id)});
        }
    }
    return answer;
}

} // namespace echo_broker
