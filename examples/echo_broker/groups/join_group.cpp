// JoinGroup: a client becomes a member of a group of the classic protocol, or joins its next generation. It
// is answered when the generation begins.
#include <kwire/messages/join_group.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "echo_broker/broker.hpp"
#include "echo_broker/groups/group_kinds.hpp"
#include "echo_broker/groups/group_life.hpp"
#include "echo_broker/groups/group_log.hpp"
#include "echo_broker/groups/handlers.hpp"
#include "echo_broker/groups/member_id.hpp"
#include "echo_broker/groups/own_bytes.hpp"
#include "echo_broker/groups/rebalance.hpp"

namespace echo_broker {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

/// A member that has never got an answer is removed after this time, since it cannot send heartbeats.
constexpr milliseconds new_member_waits_at_most = 5min;
constexpr std::int32_t longest_session = 1'800'000; // Kafka's group.max.session.timeout.ms

/// A JoinGroup with its protocols copied, and the memory for a member of it.
struct joiner {
    const kwire::message<kwire::join_group_request>& asked;
    const client& from;
    answer_to<kwire::join_group_response> to;
    std::vector<member_protocol> protocols{};
    memory_budget::share memory{};

    [[nodiscard]] std::string_view member_id() const noexcept { return asked->member_id(); }
    /// Answers with an error. `member_id` is the client's own, or empty if it must get a new one.
    void refuse(error_code why, std::string_view member_id) {
        to.send({.error_code = why, .member_id = std::string(member_id)});
    }
};

/// Copies the protocols; false if there is no memory for a member with them.
bool copy_protocols(broker& here, joiner& who) {
    const std::size_t bytes = sizeof(group_member) + 4 * who.asked->group_id().size() +
                              who.asked.bytes().size() +
                              who.asked->protocols().size() * (2 * sizeof(member_protocol) + 100);
    auto share = here.classic_groups.memory.take(bytes);
    if (!share) return false;
    who.memory = *std::move(share);
    std::set<std::string_view> names;
    for (auto one : who.asked->protocols())
        if (names.insert(one.name()).second)
            who.protocols.push_back({std::string(one.name()), own_bytes(one.metadata())});
    return true;
}

/// Takes the protocols and time-outs of a JoinGroup over into its member.
void update(classic_group& group, group_member& member, joiner& who) {
    group.set_protocols(member, std::move(who.protocols));
    member.memory = std::move(who.memory);
    member.session_timeout = milliseconds(who.asked->session_timeout_ms());
    const std::int32_t rebalance =
        who.asked.api_version() == 0 ? who.asked->session_timeout_ms() : who.asked->rebalance_timeout_ms();
    member.rebalance_timeout = milliseconds(std::max(rebalance, 0));
}

/// A client that leaves while it waits takes no answer any more. Its member stays until its session ends, as
/// it may join again with its id.
void peer_left(broker& here, std::string_view name, std::string_view member_id) {
    classic_group* const group = here.classic_groups.find(name);
    group_member* const member = group != nullptr ? group->find(member_id) : nullptr;
    if (member == nullptr || !member->join || !member->join->peer_has_left()) return;
    member->join.reset();
    if (member->is_new) keep_alive(here, *group, *member);
}

void wait_for_generation(broker& here, classic_group& group, group_member& member, joiner& who) {
    // An answer that still waits belongs to a connection that the client has given up.
    member.join = std::move(who.to);
    group.set_awaits_join(member, true);
    member.join->on_peer_left([&here, name = group.name, id = member.id] { peer_left(here, name, id); });
}

void add_member(broker& here, classic_group& group, std::string id, joiner& who) {
    if (const auto pending = group.pending.find(id); pending != group.pending.end()) {
        here.timers.cancel(pending->second.expiry);
        group.pending.erase(pending);
    }
    if (group.members.empty()) group.protocol_type = who.asked->protocol_type();
    group_member made{.id = std::move(id),
                      .instance_id = std::nullopt,
                      .client_id = std::string(who.asked.client_id().value_or("")),
                      .client_host = "/" + who.from.address.address().to_string()};
    if (const auto instance = who.asked->group_instance_id()) made.instance_id = *instance;
    group_member& member = group.add(std::move(made));
    update(group, member, who);
    group.has_grown = true;
    wait_for_generation(here, group, member, who);
    expire_after(here, group, member.id,
                 member.join ? new_member_waits_at_most : std::chrono::milliseconds(member.session_timeout));
    rebalance(here, group);
}

/// A static member that was restarted: it takes the place of the old one (KIP-345).
void replace_static_member(broker& here, classic_group& group, const std::string& old_id, std::string new_id,
                           joiner& who) {
    group_member& old = *group.find(old_id);
    answer_join(here, old, {.error_code = error_code::fenced_instance_id, .member_id = old_id});
    answer_sync(here, old, {.error_code = error_code::fenced_instance_id});
    group.set_awaits_join(old, false);
    here.timers.cancel(old.expiry);
    const std::string leader_before = group.leader.value_or("");
    group_member& member = group.rename(old_id, std::move(new_id));
    update(group, member, who);
    keep_alive(here, group, member);
    if (group.state == group_state::stable && group.protocol == group.choose_protocol()) {
        // The others work on. Before v9 a leader cannot be told that it must not assign again (KIP-814): then
        // it does not learn that it is the leader.
        kwire::join_group_response::data answer = describe_generation(group, member);
        if (who.to.version() >= 9) {
            answer.skip_assignment = group.is_leader(member.id);
        } else {
            answer.leader = leader_before;
            answer.members.clear();
        }
        log_group(here, group);
        who.to.send(answer);
        return;
    }
    wait_for_generation(here, group, member, who);
    // The leader may already have the old id from the answer to its JoinGroup.
    if (group.state == group_state::completing_rebalance)
        begin_rebalance(here, group);
    else
        rebalance(here, group);
}

void join_as_new(broker& here, classic_group& group, joiner& who) {
    const auto instance = who.asked->group_instance_id();
    if (instance) {
        std::string id = new_member_id(*instance);
        if (const std::string* const known = group.static_member(*instance))
            return replace_static_member(here, group, std::string(*known), std::move(id), who);
        return add_member(here, group, std::move(id), who);
    }
    std::string id = new_member_id(who.asked.client_id().value_or(""));
    if (who.asked.api_version() < 4) return add_member(here, group, std::move(id), who);
    // The client must first prove that it receives answers, so that there are no members of clients
    // that try again (KIP-394).
    group.pending[id].memory = std::move(who.memory);
    expire_after(here, group, id, milliseconds(who.asked->session_timeout_ms()));
    who.refuse(error_code::member_id_required, id);
}

void join_again(broker& here, classic_group& group, joiner& who) {
    const std::string_view id = who.member_id();
    const auto instance = who.asked->group_instance_id();
    if (group.pending.contains(id)) {
        if (instance) return who.refuse(error_code::unknown_server_error, id); // ids of these never wait
        return add_member(here, group, std::string(id), who);
    }
    if (const error_code no = group.check_member(id, instance); no != error_code::none)
        return who.refuse(no, id);

    group_member& member = *group.find(id);
    const bool changed = member.protocols != who.protocols;
    // A leader that joins again wants a new generation, for example because a topic has more partitions. A
    // follower that joins again, as it was, has missed an answer.
    const bool same_generation = (group.state == group_state::completing_rebalance && !changed) ||
                                 (group.state == group_state::stable && !changed && !group.is_leader(id));
    if (same_generation) return who.to.send(describe_generation(group, member));
    update(group, member, who);
    wait_for_generation(here, group, member, who);
    rebalance(here, group);
}

/// Whether the group has room for who joins.
bool has_room(const broker& here, classic_group& group, std::string_view member_id) {
    const auto most = static_cast<std::size_t>(here.chosen.group_size);
    const group_member* const known = group.find(member_id);
    if (group.state == group_state::empty) return true;
    if (group.state == group_state::preparing_rebalance)
        return (known != nullptr && known->awaits_join) || group.joined() < most;
    return known != nullptr || group.members.size() < most;
}

} // namespace

void join_group(broker& here, kwire::message<kwire::join_group_request> asked, client& from,
                answer_to<kwire::join_group_response> to) {
    joiner who{.asked = asked, .from = from, .to = std::move(to)};
    const std::string_view name = asked->group_id();
    const std::string_view id = asked->member_id();
    if (name.empty()) return who.refuse(error_code::invalid_group_id, id);
    if (asked->session_timeout_ms() < here.chosen.least_session.count() ||
        asked->session_timeout_ms() > longest_session)
        return who.refuse(error_code::invalid_session_timeout, id);
    if (!release_consumer_group(here, name)) return who.refuse(error_code::inconsistent_group_protocol, "");

    classic_group* group = here.classic_groups.find(name);
    if (group == nullptr && !id.empty()) return who.refuse(error_code::unknown_member_id, id);
    if (group == nullptr) group = make_group(here, name);
    if (group == nullptr || !copy_protocols(here, who)) {
        forget_if_unused(here, name);
        return who.refuse(error_code::group_max_size_reached, "");
    }
    if (!has_room(here, *group, id)) {
        remove_member(here, *group, id);
        if (group->state == group_state::preparing_rebalance) rebalance(here, *group);
        return who.refuse(error_code::group_max_size_reached, "");
    }
    if (!group->supports(asked->protocol_type(), asked->protocols())) {
        forget_if_unused(here, name);
        return who.refuse(error_code::inconsistent_group_protocol, id);
    }
    if (id.empty())
        join_as_new(here, *group, who);
    else
        join_again(here, *group, who);
}

} // namespace echo_broker
