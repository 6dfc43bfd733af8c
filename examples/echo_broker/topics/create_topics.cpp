// CreateTopics and CreatePartitions.
#include <kwire/messages/create_partitions.hpp>
#include <kwire/messages/create_topics.hpp>

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "echo_broker/broker.hpp"
#include "echo_broker/topics/config_entries.hpp"
#include "echo_broker/topics/handlers.hpp"
#include "echo_broker/topics/refusal.hpp"

namespace echo_broker {

namespace {

using asked_topic = kwire::create_topics_request::creatable_topic::view;

const refusal too_many{error_code::policy_violation, "this broker would have too many partitions"};

bool is_this_broker_only(const auto& broker_ids) {
    return broker_ids.size() == 1 && *broker_ids.begin() == node_id;
}

/// How many partitions the topic shall have.
kwire::expected<std::int32_t, refusal> count_partitions(const broker& here, const asked_topic& asked) {
    const std::int32_t partitions = asked.num_partitions();
    const std::int16_t replicas = asked.replication_factor();
    if (asked.assignments().empty()) {
        if (replicas == 0 || replicas < -1)
            return refuse(error_code::invalid_replication_factor,
                          "the replication factor must be positive, or -1 for the default");
        if (replicas > 1) return refuse(error_code::invalid_replication_factor, "there is only one broker");
        if (partitions == 0 || partitions < -1)
            return refuse(error_code::invalid_partitions,
                          "the number of partitions must be positive, or -1 for the default");
        return partitions == -1 ? here.topics.default_partitions() : partitions;
    }
    if (replicas != -1)
        return refuse(error_code::invalid_request, "with assignments the replication factor must be -1");
    if (partitions != -1)
        return refuse(error_code::invalid_request, "with assignments the number of partitions must be -1");
    std::set<std::int32_t> assigned;
    for (const auto assignment : asked.assignments()) {
        if (!is_this_broker_only(assignment.broker_ids()))
            return refuse(error_code::invalid_replica_assignment,
                          "the only replica can be this broker, " + std::to_string(node_id));
        if (!assigned.insert(assignment.partition_index()).second)
            return refuse(error_code::invalid_replica_assignment, "a partition is assigned twice");
    }
    if (*assigned.begin() != 0 || *assigned.rbegin() != static_cast<std::int32_t>(assigned.size()) - 1)
        return refuse(error_code::invalid_replica_assignment, "partitions must be numbered from 0 on");
    return static_cast<std::int32_t>(assigned.size());
}

kwire::expected<topic_config, refusal> read_config(const asked_topic& asked) {
    topic_config config;
    for (const auto one : asked.configs()) {
        const auto value = one.value();
        if (!value) return refuse(error_code::invalid_config, std::string(one.name()) + " has no value");
        if (auto done = config.set(one.name(), *value); !done)
            return refuse(error_code::invalid_config, std::move(done.error()));
    }
    return config;
}

struct wanted_topic {
    std::int32_t partitions = 0;
    topic_config config;
};

kwire::expected<wanted_topic, refusal> judge(const broker& here, const asked_topic& asked,
                                             std::int64_t validated) {
    const std::string_view name = asked.name();
    if (name == "__cluster_metadata")
        return refuse(error_code::topic_authorization_failed, "this topic is the broker's own");
    if (!topic_table::valid_name(name)) return refuse(error_code::invalid_topic_exception, name_rule);
    if (here.topics.find(name) != nullptr)
        return refuse(error_code::topic_already_exists, "there is a topic " + std::string(name));
    if (const std::string* const other = here.topics.find_collision(name))
        return refuse(error_code::invalid_topic_exception,
                      "Topic '" + std::string(name) + "' collides with existing topic: " + *other);
    const auto partitions = count_partitions(here, asked);
    if (!partitions) return kwire::unexpected(partitions.error());
    auto config = read_config(asked);
    if (!config) return kwire::unexpected(std::move(config.error()));
    if (!here.topics.has_room(*partitions, validated)) return kwire::unexpected(too_many);
    return wanted_topic{*partitions, *std::move(config)};
}

} // namespace

kwire::create_topics_response::data
create_topics(broker& here, const kwire::message<kwire::create_topics_request>& asked, client&) {
    const std::int16_t version = asked.api_version();
    std::map<std::string_view, int> named;
    for (const auto topic : asked->topics()) ++named[topic.name()];

    kwire::create_topics_response::data answer;
    std::int64_t validated = 0; // partitions
    for (const auto topic : asked->topics()) {
        int& times = named[topic.name()];
        if (times == 0) continue; // answered
        auto& out = answer.topics.emplace_back();
        out.name = topic.name();
        out.error_message.reset();
        auto wanted = std::exchange(times, 0) > 1
                          ? refuse(error_code::invalid_request, "the request names this topic more than once")
                          : judge(here, topic, validated);
        if (wanted && !asked->validate_only()) {
            if (const auto* made = here.topics.create(topic.name(), wanted->partitions, wanted->config))
                out.topic_id = made->id;
            else
                wanted = refuse(error_code::kafka_storage_error, "the topic cannot be recorded");
        }
        if (!wanted) {
            out.error_code = wanted.error().code;
            out.error_message = std::move(wanted.error().why);
            continue;
        }
        if (asked->validate_only()) validated += wanted->partitions;
        if (version < 5) continue;
        out.num_partitions = wanted->partitions;
        out.replication_factor = 1;
        for (const topic_setting& setting : topic_settings()) {
            out.configs.push_back(
                {.name = std::string(setting.name),
                 .value = value_of(wanted->config, here.chosen, setting),
                 .config_source = static_cast<std::int8_t>(source_of(wanted->config, setting))});
        }
    }
    return answer;
}

namespace {

using asked_growth = kwire::create_partitions_request::topic::view;

kwire::expected<topic*, refusal> judge(const broker& here, const asked_growth& asked) {
    topic* const found = here.topics.find(asked.name());
    if (found == nullptr) return refuse(error_code::unknown_topic_or_partition, "there is no such topic");
    if (found->is_internal()) // which partition has a record follows from their number
        return refuse(error_code::invalid_topic_exception, "the broker chooses the partitions of this topic");
    const std::int64_t more = std::int64_t{asked.count()} - found->partition_count();
    if (more <= 0)
        return refuse(error_code::invalid_partitions,
                      "the topic has " + std::to_string(found->partition_count()) + " partitions already");
    if (const auto assignments = asked.assignments(); !assignments.is_null()) {
        if (static_cast<std::int64_t>(assignments.size()) != more)
            return refuse(error_code::invalid_replica_assignment, "there must be an assignment for each of " +
                                                                      std::to_string(more) +
                                                                      " new partitions");
        for (const auto assignment : assignments)
            if (!is_this_broker_only(assignment.broker_ids()))
                return refuse(error_code::invalid_replica_assignment,
                              "the only replica can be this broker, " + std::to_string(node_id));
    }
    if (!here.topics.has_room(more)) return kwire::unexpected(too_many);
    return found;
}

} // namespace

kwire::create_partitions_response::data
create_partitions(broker& here, const kwire::message<kwire::create_partitions_request>& asked, client&) {
    std::map<std::string_view, int> named;
    for (const auto topic : asked->topics()) ++named[topic.name()];

    kwire::create_partitions_response::data answer;
    for (const auto topic : asked->topics()) {
        int& times = named[topic.name()];
        if (times == 0) continue; // answered
        auto& out = answer.results.emplace_back();
        out.name = topic.name();
        auto grown = std::exchange(times, 0) > 1
                         ? refuse(error_code::invalid_request, "the request names this topic more than once")
                         : judge(here, topic);
        if (grown && !asked->validate_only() && !here.topics.grow(**grown, topic.count()))
            grown = refuse(error_code::kafka_storage_error, "the partitions cannot be recorded");
        if (grown) continue;
        out.error_code = grown.error().code;
        out.error_message = std::move(grown.error().why);
    }
    return answer;
}

} // namespace echo_broker
