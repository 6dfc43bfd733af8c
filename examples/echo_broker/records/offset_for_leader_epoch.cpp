// OffsetForLeaderEpoch: where the records of an epoch end. There is one epoch, and it has not ended.
#include <kwire/messages/offset_for_leader_epoch.hpp>

#include "echo_broker/broker.hpp"
#include "echo_broker/records/handlers.hpp"

namespace echo_broker {

kwire::offset_for_leader_epoch_response::data
offset_for_leader_epoch(broker& here, const kwire::message<kwire::offset_for_leader_epoch_request>& asked,
                        client&) {
    constexpr std::int32_t unknown = -1; // to the client
    kwire::offset_for_leader_epoch_response::data answer;
    for (const auto asked_topic : asked->topics()) {
        topic* const topic = here.topics.find(asked_topic.topic());
        auto& out = answer.topics.emplace_back();
        out.topic = asked_topic.topic();
        for (const auto partition : asked_topic.partitions()) {
            auto& result = out.partitions.emplace_back();
            result.partition = partition.partition();
            const auto* const log = topic != nullptr ? topic->partition(partition.partition()) : nullptr;
            const std::int32_t current = partition.current_leader_epoch();
            if (log == nullptr)
                result.error_code = error_code::unknown_topic_or_partition;
            else if (current != unknown && current < leader_epoch)
                result.error_code = error_code::fenced_leader_epoch;
            else if (current > leader_epoch)
                result.error_code = error_code::unknown_leader_epoch;
            else if (partition.leader_epoch() == leader_epoch) {
                result.leader_epoch = leader_epoch;
                result.end_offset = log->end_offset();
            } // otherwise -1 and -1: no records have such an epoch
        }
    }
    return answer;
}

} // namespace echo_broker
