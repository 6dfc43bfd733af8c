// DescribeGroups, ListGroups and DeleteGroups: what administrators see of groups.
#include <kwire/messages/delete_groups.hpp>
#include <kwire/messages/describe_groups.hpp>
#include <kwire/messages/list_groups.hpp>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "echo_broker/broker.hpp"
#include "echo_broker/groups/consumer_group.hpp"
#include "echo_broker/groups/consumer_group_log.hpp"
#include "echo_broker/groups/group_life.hpp"
#include "echo_broker/groups/handlers.hpp"
#include "echo_broker/groups/offset_rules.hpp"

namespace echo_broker {

namespace {

/// Read, delete, describe, and describe and alter the configuration: what Kafka lets everyone do with a group
/// if it has no authorizer. The bits are the numbers of its AclOperation.
constexpr std::int32_t all_operations = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11;

void describe(const classic_group& group, kwire::describe_groups_response::described_group::data& out) {
    const bool stable = group.state == group_state::stable;
    out.group_state = to_string(group.state);
    out.protocol_type = group.protocol_type.value_or("");
    if (stable) out.protocol_data = group.protocol.value_or("");
    for (const auto& [id, member] : group.members) {
        auto& one = out.members.emplace_back();
        one.member_id = id;
        one.group_instance_id = member.instance_id;
        one.client_id = member.client_id;
        one.client_host = member.client_host;
        if (!stable) continue; // until then there is no common protocol
        if (const member_protocol* const chosen = member.find(group.protocol.value_or("")))
            one.member_metadata = chosen->metadata;
        one.member_assignment = member.assignment;
    }
}

std::string in_lower_case(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

/// What a list is limited to; everything passes if nothing is named.
class name_filter {
public:
    explicit name_filter(const auto& names) {
        for (const std::string_view name : names) names_.insert(in_lower_case(name));
    }
    [[nodiscard]] bool passes(std::string_view name) const {
        return names_.empty() || names_.contains(in_lower_case(name));
    }

private:
    std::set<std::string> names_;
};

error_code delete_group(broker& here, std::string_view group) {
    if (here.consumer_groups.contains(group)) {
        consumer_group& found = *here.consumer_groups.find(group);
        if (!found.members.empty()) return error_code::non_empty_group;
        forget_offsets(here, group);
        log_consumer_group_removal(here, found);
        return here.consumer_groups.remove(group);
    }
    classic_group* const found = here.classic_groups.find(group);
    if (found == nullptr) return error_code::group_id_not_found;
    if (found->state != group_state::empty) return error_code::non_empty_group;
    forget_offsets(here, group);
    remove_group(here, *found);
    return error_code::none;
}

} // namespace

kwire::describe_groups_response::data
describe_groups(broker& here, const kwire::message<kwire::describe_groups_request>& asked, client&) {
    kwire::describe_groups_response::data answer;
    std::set<std::string_view> described; // a description may be far larger than a name
    for (const std::string_view name : asked->groups()) {
        if (!described.insert(name).second) continue;
        auto& out = answer.groups.emplace_back();
        out.group_id = name;
        const classic_group* const group = here.classic_groups.find(name);
        if (group != nullptr) {
            describe(*group, out);
            if (asked->include_authorized_operations()) out.authorized_operations = all_operations;
            continue;
        }
        out.group_state = "Dead";
        if (asked.api_version() < 6) continue;
        out.error_code = error_code::group_id_not_found;
        out.error_message =
            "Group " + std::string(name) +
            (here.consumer_groups.contains(name) ? " is not a classic group." : " not found.");
    }
    return answer;
}

kwire::list_groups_response::data
list_groups(broker& here, const kwire::message<kwire::list_groups_request>& asked, client&) {
    const name_filter states(asked->states_filter());
    const name_filter types(asked->types_filter());
    kwire::list_groups_response::data answer;
    const auto add = [&](std::string_view group, std::string_view protocol, std::string_view state,
                         std::string_view type) {
        if (!states.passes(state) || !types.passes(type)) return;
        auto& out = answer.groups.emplace_back();
        out.group_id = group;
        out.protocol_type = protocol;
        out.group_state = state;
        out.group_type = type;
    };
    for (const auto& [name, group] : here.classic_groups.all())
        add(name, group->protocol_type.value_or(""), to_string(group->state), "classic");
    for (const consumer_groups::listed& one : here.consumer_groups.list())
        add(one.group, "consumer", one.state, "consumer");
    return answer;
}

kwire::delete_groups_response::data
delete_groups(broker& here, const kwire::message<kwire::delete_groups_request>& asked, client&) {
    kwire::delete_groups_response::data answer;
    std::set<std::string_view> deleted;
    for (const std::string_view name : asked->groups_names()) {
        if (!deleted.insert(name).second) continue;
        auto& out = answer.results.emplace_back();
        out.group_id = name;
        out.error_code = delete_group(here, name);
        if (out.error_code != error_code::none) out.error_message = describe(out.error_code);
    }
    return answer;
}

} // namespace echo_broker
