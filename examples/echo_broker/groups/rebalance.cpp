#include "echo_broker/groups/rebalance.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "echo_broker/broker.hpp"
#include "echo_broker/groups/group_life.hpp"
#include "echo_broker/groups/group_log.hpp"

namespace echo_broker {

using std::chrono::milliseconds;

namespace {

template <class Response>
void send_later(broker& here, std::optional<answer_to<Response>>& waiting, typename Response::data response) {
    if (!waiting) return;
    struct answer {
        answer_to<Response> to;
        typename Response::data content;
    };
    const auto later = std::make_shared<answer>(*std::move(waiting), std::move(response));
    waiting.reset();
    here.timers.after({}, [later] { later->to.send(later->content); });
}

void member_expired(broker& here, const std::string& name, const std::string& member_id) {
    classic_group* const group = here.classic_groups.find(name);
    if (group == nullptr) return;
    if (const group_member* const member = group->find(member_id)) {
        // One that waits for the others is alive. But of one whose first JoinGroup waits it is not known.
        if (!member->is_new && (member->awaits_join || member->awaits_sync)) return;
        remove_member(here, *group, member_id);
        rebalance_without(here, *group);
    } else if (group->pending.contains(member_id)) {
        remove_member(here, *group, member_id);
        if (group->state == group_state::preparing_rebalance) rebalance(here, *group);
        forget_if_unused(here, name);
    }
}

/// Those who got the generation but did not ask for their assignment in time are removed.
void syncs_expired(broker& here, const std::string& name, std::int32_t generation) {
    classic_group* const group = here.classic_groups.find(name);
    if (group == nullptr || group->generation != generation || group->not_synced.empty()) return;
    if (group->state != group_state::completing_rebalance && group->state != group_state::stable) return;
    const auto late = group->not_synced;
    for (const std::string& member_id : late) remove_member(here, *group, member_id);
    begin_rebalance(here, *group);
}

/// Waits until all have joined, but not longer than the members' rebalance time-out.
void end_rebalance_later(broker& here, classic_group& group);

void end_rebalance(broker& here, classic_group& group) {
    here.timers.cancel(group.join_timer);
    std::vector<std::string> missing;
    for (const auto& [id, member] : group.members)
        if (!member.awaits_join && !member.instance_id) missing.push_back(id);
    for (const std::string& id : missing) remove_member(here, group, id);
    // Only static members are left, and none has joined: wait until they do, or their sessions end.
    if (!group.elect_joined_leader() && !group.members.empty()) return end_rebalance_later(here, group);

    group.start_generation();
    if (group.members.empty()) {
        log_group(here, group);
        return;
    }
    for (auto& [id, member] : group.members) {
        answer_join(here, member, describe_generation(group, member));
        group.set_awaits_join(member, false);
        member.is_new = false;
        keep_alive(here, group, member);
        group.not_synced.insert(id);
    }
    group.sync_timer = here.timers.after(
        group.rebalance_timeout(),
        [&here, name = group.name, generation = group.generation] { syncs_expired(here, name, generation); });
}

void end_rebalance_later(broker& here, classic_group& group) {
    constexpr milliseconds least{100}; // members may allow no time at all, and there may be many turns
    here.timers.cancel(group.join_timer);
    group.join_timer =
        here.timers.after(std::max(group.rebalance_timeout(), least), [&here, name = group.name] {
            if (classic_group* const found = here.classic_groups.find(name)) end_rebalance(here, *found);
        });
}

/// The first rebalance of a group waits for more members while new ones arrive; altogether no longer
/// than their rebalance time-out.
void end_first_rebalance_later(broker& here, classic_group& group, milliseconds delay, milliseconds left) {
    here.timers.cancel(group.join_timer);
    group.join_timer = here.timers.after(delay, [&here, name = group.name, delay, left] {
        classic_group* const found = here.classic_groups.find(name);
        if (found == nullptr) return;
        if (!found->has_grown || left == milliseconds(0)) return end_rebalance(here, *found);
        found->has_grown = false;
        end_first_rebalance_later(here, *found, std::min(here.chosen.group_delay, left),
                                  std::max(left - delay, milliseconds(0)));
    });
}

} // namespace

void answer_join(broker& here, group_member& member, kwire::join_group_response::data response) {
    send_later(here, member.join, std::move(response));
}

void answer_sync(broker& here, group_member& member, kwire::sync_group_response::data response) {
    member.awaits_sync = false;
    send_later(here, member.sync, std::move(response));
}

void expire_after(broker& here, classic_group& group, std::string_view member_id, milliseconds time) {
    group_member* const member = group.find(member_id);
    timers::id& expiry = member != nullptr ? member->expiry : group.pending.find(member_id)->second.expiry;
    here.timers.cancel(expiry);
    expiry = here.timers.after(
        time, [&here, name = group.name, id = std::string(member_id)] { member_expired(here, name, id); });
}

void keep_alive(broker& here, classic_group& group, group_member& member) {
    expire_after(here, group, member.id, member.session_timeout);
}

kwire::join_group_response::data describe_generation(const classic_group& group, const group_member& member) {
    kwire::join_group_response::data out{.generation_id = group.generation,
                                         .protocol_type = group.protocol_type,
                                         .protocol_name = group.protocol.value_or(""),
                                         .leader = group.leader.value_or(""),
                                         .member_id = member.id};
    if (group.is_leader(member.id)) out.members = group.list_members();
    return out;
}

void begin_rebalance(broker& here, classic_group& group) {
    for (auto& [id, member] : group.members) {
        if (group.state == group_state::completing_rebalance) member.assignment = {};
        if (!member.awaits_sync) continue;
        answer_sync(here, member, {.error_code = error_code::rebalance_in_progress});
        keep_alive(here, group, member);
    }
    here.timers.cancel(group.sync_timer);
    group.enter(group_state::preparing_rebalance);
    if (group.was_empty) {
        group.has_grown = false;
        const milliseconds delay = here.chosen.group_delay;
        end_first_rebalance_later(here, group, delay,
                                  std::max(group.rebalance_timeout() - delay, milliseconds(0)));
    } else if (group.all_have_joined()) {
        end_rebalance(here, group);
    } else {
        end_rebalance_later(here, group);
    }
}

void rebalance(broker& here, classic_group& group) {
    if (group.state != group_state::preparing_rebalance)
        begin_rebalance(here, group);
    else if (group.all_have_joined() && !group.was_empty)
        end_rebalance(here, group);
}

void rebalance_without(broker& here, classic_group& group) {
    if (group.state == group_state::empty)
        forget_if_unused(here, group.name);
    else
        rebalance(here, group);
}

void remove_member(broker& here, classic_group& group, std::string_view member_id) {
    if (group_member* const member = group.find(member_id)) {
        here.timers.cancel(member->expiry);
        if (member->awaits_join) answer_join(here, *member, {.error_code = error_code::unknown_member_id});
        if (member->awaits_sync) answer_sync(here, *member, {.error_code = error_code::unknown_member_id});
    } else if (const auto pending = group.pending.find(member_id); pending != group.pending.end()) {
        here.timers.cancel(pending->second.expiry);
    }
    group.remove(member_id);
    if (group.not_synced.empty()) here.timers.cancel(group.sync_timer);
}

void has_synced(broker& here, classic_group& group, std::string_view member_id) {
    if (const auto found = group.not_synced.find(member_id); found != group.not_synced.end())
        group.not_synced.erase(found);
    if (group.not_synced.empty()) here.timers.cancel(group.sync_timer);
}

void hand_out_assignments(broker& here, classic_group& group) {
    for (auto& [id, member] : group.members) {
        if (!member.awaits_sync) continue;
        answer_sync(here, member,
                    {.protocol_type = group.protocol_type,
                     .protocol_name = group.protocol,
                     .assignment = member.assignment});
        keep_alive(here, group, member);
    }
}

} // namespace echo_broker
