// SyncGroup: the leader of a group brings what each member has to do, and the members get it.
#include <kwire/messages/sync_group.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "echo_broker/broker.hpp"
#include "echo_broker/groups/group_log.hpp"
#include "echo_broker/groups/handlers.hpp"
#include "echo_broker/groups/own_bytes.hpp"
#include "echo_broker/groups/rebalance.hpp"

namespace echo_broker {

namespace {

bool differs(std::optional<std::string_view> asked, const std::optional<std::string>& groups) {
    return asked && groups && *asked != *groups;
}

error_code check(classic_group* group, const kwire::sync_group_request::view& asked) {
    if (group == nullptr || group->members.empty()) return error_code::unknown_member_id;
    if (const error_code no = group->check_member(asked.member_id(), asked.group_instance_id());
        no != error_code::none)
        return no;
    if (asked.generation_id() != group->generation) return error_code::illegal_generation;
    if (differs(asked.protocol_type(), group->protocol_type) ||
        differs(asked.protocol_name(), group->protocol))
        return error_code::inconsistent_group_protocol;
    if (group->state == group_state::preparing_rebalance) return error_code::rebalance_in_progress;
    return error_code::none;
}

/// Stores what the leader assigns; members that it does not name get nothing. False if there is no memory for
/// it.
bool assign(broker& here, classic_group& group, const kwire::sync_group_request::view& asked) {
    for (auto& [id, member] : group.members) {
        member.assignment = {};
        member.assignment_memory = {};
    }
    for (auto one : asked.assignments()) {
        group_member* const member = group.find(one.member_id());
        if (member == nullptr) continue;
        auto share = here.classic_groups.memory.take(one.assignment().size() + 100);
        if (!share) return false;
        member->assignment_memory = *std::move(share);
        member->assignment = own_bytes(one.assignment());
    }
    return true;
}

void peer_of_sync_left(broker& here, std::string_view name, std::string_view member_id) {
    classic_group* const group = here.classic_groups.find(name);
    group_member* const member = group != nullptr ? group->find(member_id) : nullptr;
    if (member != nullptr && member->sync && member->sync->peer_has_left()) member->sync.reset();
}

} // namespace

void sync_group(broker& here, kwire::message<kwire::sync_group_request> asked, client&,
                answer_to<kwire::sync_group_response> to) {
    const auto refuse = [&to](error_code why) { to.send({.error_code = why}); };
    if (asked.api_version() >= 5 && (!asked->protocol_type() || !asked->protocol_name()))
        return refuse(error_code::inconsistent_group_protocol); // required from v5 on (KIP-559)
    if (asked->group_id().empty()) return refuse(error_code::invalid_group_id);
    classic_group* const group = here.classic_groups.find(asked->group_id());
    if (const error_code no = check(group, *asked); no != error_code::none) return refuse(no);

    group_member& member = *group->find(asked->member_id());
    has_synced(here, *group, member.id);
    if (group->state == group_state::stable) {
        keep_alive(here, *group, member);
        return to.send({.protocol_type = group->protocol_type,
                        .protocol_name = group->protocol,
                        .assignment = member.assignment});
    }
    member.awaits_sync = true;
    member.sync = std::move(to);
    member.sync->on_peer_left(
        [&here, name = group->name, id = member.id] { peer_of_sync_left(here, name, id); });
    if (!group->is_leader(member.id)) return;
    if (assign(here, *group, *asked)) {
        group->enter(group_state::stable);
        log_group(here, *group);
        hand_out_assignments(here, *group);
    } else {
        for (auto& [id, other] : group->members)
            if (other.awaits_sync) answer_sync(here, other, {.error_code = error_code::unknown_server_error});
        begin_rebalance(here, *group);
    }
}

} // namespace echo_broker
