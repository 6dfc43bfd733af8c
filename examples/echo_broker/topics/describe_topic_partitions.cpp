// DescribeTopicPartitions (KIP-966): the topics in the order of their names, a limited number of partitions
// in each answer.
#include <kwire/messages/describe_topic_partitions.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "echo_broker/broker.hpp"
#include "echo_broker/cluster/authorized_operations.hpp"
#include "echo_broker/topics/handlers.hpp"

namespace echo_broker {

namespace {

using response = kwire::describe_topic_partitions_response;

response::topic::data missing_topic(std::string_view name) {
    response::topic::data out;
    out.name = name;
    out.error_code = topic_table::valid_name(name) ? error_code::unknown_topic_or_partition
                                                   : error_code::invalid_topic_exception;
    return out;
}

/// The partitions from `first` on, not more than `most`.
response::topic::data describe_topic(const topic& shown, std::int32_t first, std::int32_t most) {
    response::topic::data out;
    out.name = shown.name;
    out.topic_id = shown.id;
    out.is_internal = shown.is_internal();
    out.topic_authorized_operations = topic_operations;
    for (std::int32_t i = first; i < shown.partition_count() && i - first < most; ++i)
        out.partitions.push_back({.partition_index = i,
                                  .leader_id = node_id,
                                  .leader_epoch = leader_epoch,
                                  .replica_nodes = {node_id},
                                  .isr_nodes = {node_id},
                                  .eligible_leader_replicas = {},
                                  .last_known_elr = {}});
    return out;
}

} // namespace

response::data
describe_topic_partitions(broker& here, const kwire::message<kwire::describe_topic_partitions_request>& asked,
                          client&) {
    constexpr std::int32_t most_partitions = 2000; // Kafka's max.request.partition.size.limit
    std::int32_t room = std::clamp(asked->response_partition_limit(), 1, most_partitions);

    std::set<std::string_view> names;
    for (const auto topic : asked->topics()) names.insert(topic.name());
    if (names.empty())
        for (const auto& [name, topic] : here.topics.all()) names.insert(name);

    response::data answer;
    const auto cursor = asked->cursor();
    if (cursor && cursor->partition_index() < 0) {
        for (const std::string_view name : names) {
            answer.topics.emplace_back().name = name;
            answer.topics.back().error_code = error_code::invalid_request;
        }
        return answer;
    }
    const std::string_view from = cursor ? cursor->topic_name() : std::string_view();
    for (auto name = names.lower_bound(from); name != names.end(); ++name) {
        const topic* const found = here.topics.find(*name);
        if (found == nullptr) {
            answer.topics.push_back(missing_topic(*name));
            continue;
        }
        const std::int32_t first = cursor && *name == from ? cursor->partition_index() : 0;
        if (room == 0) {
            answer.next_cursor.emplace().topic_name = *name;
            answer.next_cursor->partition_index = first;
            break;
        }
        const auto& out = answer.topics.emplace_back(describe_topic(*found, first, room));
        room -= static_cast<std::int32_t>(out.partitions.size());
        const std::int32_t next = first + static_cast<std::int32_t>(out.partitions.size());
        if (next < found->partition_count()) {
            answer.next_cursor.emplace().topic_name = *name;
            answer.next_cursor->partition_index = next;
            break;
        }
    }
    return answer;
}

} // namespace echo_broker
