// Metadata: the topics, and where their partitions are.
#include <kwire/messages/metadata.hpp>

#include <set>

#include "echo_broker/broker.hpp"
#include "echo_broker/cluster/authorized_operations.hpp"
#include "echo_broker/topics/handlers.hpp"

namespace echo_broker {

kwire::metadata_response::data metadata(broker& here, const kwire::message<kwire::metadata_request>& asked,
                                        client& from) {
    const std::int16_t version = asked.api_version();
    const address reached = here.advertised(from);

    kwire::metadata_response::data answer;
    answer.brokers.push_back({.node_id = node_id, .host = reached.host, .port = reached.port});
    answer.cluster_id = cluster_id;
    answer.controller_id = node_id;
    if (asked->include_cluster_authorized_operations())
        answer.cluster_authorized_operations = cluster_operations;
    std::set<const topic*> described; // each once, as in Kafka: they may be large
    const auto describe = [&](const topic& topic) {
        if (!described.insert(&topic).second) return;
        auto& out = answer.topics.emplace_back();
        out.name = topic.name;
        out.topic_id = topic.id;
        out.is_internal = topic.is_internal();
        if (asked->include_topic_authorized_operations()) out.topic_authorized_operations = topic_operations;
        for (std::int32_t i = 0; i < topic.partition_count(); ++i)
            out.partitions.push_back({.partition_index = i,
                                      .leader_id = node_id,
                                      .leader_epoch = leader_epoch,
                                      .replica_nodes = {node_id},
                                      .isr_nodes = {node_id}});
    };
    std::set<std::string_view> refused; // each name once too
    const auto refuse = [&](auto asked_topic, error_code why) {
        if (why != error_code::unknown_topic_id && !refused.insert(*asked_topic.name()).second) return;
        auto& out = answer.topics.emplace_back();
        out.error_code = why;
        out.topic_id = asked_topic.topic_id();
        out.name.reset(); // beside an id the name does not count
        if (why != error_code::unknown_topic_id) out.name = asked_topic.name();
        if (!out.name && version < 12) out.name = ""; // null is allowed only from v12 on
    };

    const auto topics = asked->topics();
    const bool all = topics.is_null() || (version == 0 && topics.empty());
    if (all)
        for (const auto& [name, topic] : here.topics.all()) describe(*topic);
    for (auto wanted : topics) {
        auto name = wanted.name();
        if (wanted.topic_id() != kwire::uuid{}) name.reset();
        const topic* found = name ? here.topics.find(*name) : here.topics.find(wanted.topic_id());
        if (found == nullptr && name && !topic_table::valid_name(*name)) {
            refuse(wanted, error_code::invalid_topic_exception);
            continue;
        }
        if (found == nullptr && name && asked->allow_auto_topic_creation()) {
            if (here.topics.find_collision(*name) != nullptr) {
                refuse(wanted, error_code::invalid_topic_exception);
                continue;
            }
            found = here.topics.create(*name);
            if (found == nullptr) {
                refuse(wanted, error_code::policy_violation);
                continue;
            }
        }
        if (found != nullptr)
            describe(*found);
        else
            refuse(wanted, name ? error_code::unknown_topic_or_partition : error_code::unknown_topic_id);
    }
    return answer;
}

} // namespace echo_broker
