// OffsetDelete: a group forgets how far it has read in some partitions.
#include <kwire/messages/offset_delete.hpp>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "echo_broker/broker.hpp"
#include "echo_broker/groups/group_kinds.hpp"
#include "echo_broker/groups/group_log.hpp"
#include "echo_broker/groups/handlers.hpp"

namespace echo_broker {

namespace {

/// Those of the topics that members of the group subscribe to.
std::set<std::string_view> subscribed(const broker& here, const kwire::offset_delete_request::view& asked) {
    std::set<std::string_view> topics;
    for (auto one : asked.topics()) topics.insert(one.name());
    if (const classic_group* const group = here.classic_groups.find(asked.group_id()))
        return group->subscribed(topics);
    std::erase_if(topics, [&](std::string_view topic) {
        return !here.consumer_groups.subscribes(asked.group_id(), topic);
    });
    return topics;
}

} // namespace

kwire::offset_delete_response::data
offset_delete(broker& here, const kwire::message<kwire::offset_delete_request>& asked, client&) {
    const std::string_view group = asked->group_id();
    if (group.empty()) return {.error_code = error_code::invalid_group_id};
    if (!group_exists(here, group)) return {.error_code = error_code::group_id_not_found};
    const classic_group* const classic = here.classic_groups.find(group);
    if (classic != nullptr && classic->state != group_state::empty && !classic->has_consumers())
        return {.error_code = error_code::non_empty_group}; // it is not known which topics they read

    const std::set<std::string_view> in_use = subscribed(here, *asked);
    kwire::offset_delete_response::data answer;
    std::vector<named_partition> gone;
    for (auto wanted : asked->topics()) {
        topic* const found = here.topics.find(wanted.name());
        auto& out = answer.topics.emplace_back();
        out.name = wanted.name();
        for (auto one : wanted.partitions()) {
            auto& result = out.partitions.emplace_back();
            result.partition_index = one.partition_index();
            if (found == nullptr || found->partition(one.partition_index()) == nullptr)
                result.error_code = error_code::unknown_topic_or_partition;
            else if (in_use.contains(wanted.name()))
                result.error_code = error_code::group_subscribed_to_topic;
            else if (here.offsets.erase(group, wanted.name(), one.partition_index()))
                gone.push_back({std::string(wanted.name()), one.partition_index()});
        }
    }
    log_offset_removals(here, group, gone);
    return answer;
}

} // namespace echo_broker
