// ConsumerGroupDescribe: the groups of the new protocol with their members.
#include <kwire/messages/consumer_group_describe.hpp>

#include <cstdint>
#include <set>
#include <string_view>

#include "echo_broker/broker.hpp"
#include "echo_broker/groups/consumer_group.hpp"
#include "echo_broker/groups/handlers.hpp"

namespace echo_broker {

namespace {

using description = kwire::consumer_group_describe_response;

description::assignment::data named(const broker& here, const partition_set& partitions) {
    description::assignment::data out;
    const topic* at = nullptr;
    for (const topic_partition& one : partitions) {
        if (at == nullptr || at->id != one.topic) {
            at = here.topics.find(one.topic);
            if (at == nullptr) continue; // deleted
            auto& topic = out.topic_partitions.emplace_back();
            topic.topic_id = at->id;
            topic.topic_name = at->name;
        }
        out.topic_partitions.back().partitions.push_back(one.partition);
    }
    return out;
}

description::described_group::data described(const broker& here, const consumer_group& group) {
    description::described_group::data out;
    out.group_state = group.state();
    out.group_epoch = group.epoch;
    out.assignment_epoch = group.target_epoch;
    out.assignor_name = group.assignor;
    for (const auto& [id, member] : group.members) {
        auto& shown = out.members.emplace_back();
        shown.member_id = id;
        shown.instance_id = member.instance_id;
        shown.rack_id = member.rack_id;
        shown.member_epoch = member.epoch;
        shown.client_id = member.client_id;
        shown.client_host = member.client_host;
        shown.subscribed_topic_names.assign(member.topic_names.begin(), member.topic_names.end());
        shown.subscribed_topic_regex = member.topic_regex; // Kafka shows "" for none
        shown.assignment = named(here, member.assigned);
        shown.target_assignment = named(here, member.target);
        constexpr std::int8_t new_protocol = 1;
        shown.member_type = new_protocol;
    }
    return out;
}

} // namespace

description::data consumer_group_describe(broker& here,
                                          const kwire::message<kwire::consumer_group_describe_request>& asked,
                                          client&) {
    description::data answer;
    std::set<std::string_view> done; // each group once: an answer must not be many times what there is
    for (const std::string_view name : asked->group_ids()) {
        if (!done.insert(name).second) continue;
        const consumer_group* const group = here.consumer_groups.find(name);
        auto& out = answer.groups.emplace_back();
        if (group != nullptr) {
            out = described(here, *group);
            // READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS and ALTER_CONFIGS: everything that there is for a
            // group.
            if (asked->include_authorized_operations()) out.authorized_operations = 0xd48;
        } else {
            const bool invalid = name.empty();
            out.error_code = invalid ? error_code::invalid_group_id : error_code::group_id_not_found;
            out.error_message =
                invalid ? "the group id is empty" : "there is no such group of the new protocol";
        }
        out.group_id = name;
    }
    return answer;
}

} // namespace echo_broker
