// LeaveGroup: members go, or are sent away by an administrator; the others share their work.
#include <kwire/messages/leave_group.hpp>

#include <optional>
#include <string>
#include <string_view>

#include "echo_broker/broker.hpp"
#include "echo_broker/groups/handlers.hpp"
#include "echo_broker/groups/rebalance.hpp"

namespace echo_broker {

namespace {

/// Removes one member, which is named by its id, its instance id or both.
error_code leave(broker& here, classic_group& group, std::string_view member_id,
                 std::optional<std::string_view> instance_id) {
    if (member_id.empty()) {
        const std::string* const known = instance_id ? group.static_member(*instance_id) : nullptr;
        if (known == nullptr) return error_code::unknown_member_id;
        remove_member(here, group, std::string(*known));
        return error_code::none;
    }
    if (!group.pending.contains(member_id))
        if (const error_code no = group.check_member(member_id, instance_id); no != error_code::none)
            return no;
    remove_member(here, group, member_id);
    return error_code::none;
}

} // namespace

kwire::leave_group_response::data
leave_group(broker& here, const kwire::message<kwire::leave_group_request>& asked, client&) {
    if (asked->group_id().empty()) return {.error_code = error_code::invalid_group_id};
    classic_group* const group = here.classic_groups.find(asked->group_id());
    bool changed = false;
    const auto remove = [&](std::string_view member_id, std::optional<std::string_view> instance_id) {
        if (group == nullptr) return error_code::unknown_member_id;
        const error_code result = leave(here, *group, member_id, instance_id);
        changed = changed || result == error_code::none;
        return result;
    };

    kwire::leave_group_response::data answer;
    if (asked.api_version() < 3) {
        answer.error_code = remove(asked->member_id(), std::nullopt);
    } else {
        for (auto member : asked->members()) {
            const auto instance = member.group_instance_id();
            auto& out = answer.members.emplace_back();
            out.member_id = member.member_id();
            out.group_instance_id = instance ? std::optional(std::string(*instance)) : std::nullopt;
            out.error_code = remove(member.member_id(), instance);
        }
    }
    if (changed) rebalance_without(here, *group);
    return answer;
}

} // namespace echo_broker
