#include "echo_broker/groups/classic_group.hpp"

#include <kwire/embedded/consumer_protocol.hpp>
#include <kwire/messages/consumer_protocol_subscription.hpp>
#include <kwire/read/versioned.hpp>

#include <algorithm>
#include <utility>

#include "echo_broker/clock.hpp"

namespace echo_broker {

using kwire::error_code;

const member_protocol* group_member::find(std::string_view protocol) const noexcept {
    const auto found = std::ranges::find(protocols, protocol, &member_protocol::name);
    return found == protocols.end() ? nullptr : &*found;
}

std::string_view to_string(group_state state) noexcept {
    switch (state) {
    case group_state::empty: return "Empty";
    case group_state::preparing_rebalance: return "PreparingRebalance";
    case group_state::completing_rebalance: return "CompletingRebalance";
    case group_state::stable: return "Stable";
    }
    return "Dead";
}

group_member* classic_group::find(std::string_view member_id) noexcept {
    const auto found = members.find(member_id);
    return found == members.end() ? nullptr : &found->second;
}

const std::string* classic_group::static_member(std::string_view instance_id) const noexcept {
    const auto found = static_members_.find(instance_id);
    return found == static_members_.end() ? nullptr : &found->second;
}

error_code classic_group::check_member(std::string_view member_id,
                                       std::optional<std::string_view> instance_id) const noexcept {
    if (instance_id) {
        const std::string* const known = static_member(*instance_id);
        if (known == nullptr) return error_code::unknown_member_id;
        if (*known != member_id) return error_code::fenced_instance_id;
    }
    return members.contains(member_id) ? error_code::none : error_code::unknown_member_id;
}

group_member& classic_group::add(group_member member) {
    if (!leader) leader = member.id;
    if (member.instance_id) static_members_[*member.instance_id] = member.id;
    count_protocols(member, true);
    const std::string key = member.id;
    return members.insert_or_assign(key, std::move(member)).first->second;
}

void classic_group::remove(std::string_view member_id) {
    const auto found = members.find(member_id);
    if (const auto one = pending.find(member_id); one != pending.end()) pending.erase(one);
    if (const auto one = not_synced.find(member_id); one != not_synced.end()) not_synced.erase(one);
    if (found == members.end()) return;
    const bool led = is_leader(member_id); // `member_id` may lie in the member
    count_protocols(found->second, false);
    set_awaits_join(found->second, false);
    if (found->second.instance_id) static_members_.erase(*found->second.instance_id);
    members.erase(found);
    if (led) leader = members.empty() ? std::nullopt : std::optional(members.begin()->first);
}

group_member& classic_group::rename(std::string_view old_id, std::string new_id) {
    auto node = members.extract(members.find(old_id));
    if (is_leader(old_id)) leader = new_id;
    if (const auto owing = not_synced.find(old_id); owing != not_synced.end()) {
        not_synced.erase(owing);
        not_synced.insert(new_id);
    }
    group_member& member = node.mapped();
    static_members_[*member.instance_id] = new_id;
    member.id = new_id;
    node.key() = std::move(new_id);
    return members.insert(std::move(node)).position->second;
}

void classic_group::set_protocols(group_member& member, std::vector<member_protocol> protocols) {
    count_protocols(member, false);
    member.protocols = std::move(protocols);
    count_protocols(member, true);
}

void classic_group::count_protocols(const group_member& member, bool added) {
    for (const member_protocol& one : member.protocols) {
        const auto found = supporters_.try_emplace(one.name, 0).first;
        if (added)
            ++found->second;
        else if (--found->second == 0)
            supporters_.erase(found);
    }
}

bool classic_group::all_support(std::string_view wanted) const noexcept {
    const auto found = supporters_.find(wanted);
    return found != supporters_.end() && found->second == members.size();
}

std::string classic_group::choose_protocol() const {
    std::map<std::string_view, std::size_t> votes;
    for (const auto& [id, member] : members)
        for (const member_protocol& one : member.protocols)
            if (all_support(one.name)) {
                ++votes[one.name];
                break;
            }
    const auto most = std::ranges::max_element(votes, {}, [](const auto& vote) { return vote.second; });
    return most == votes.end() ? std::string() : std::string(most->first);
}

std::set<std::string_view> classic_group::subscribed(const std::set<std::string_view>& topics) const {
    std::set<std::string_view> found;
    if (!has_consumers()) return found;
    for (const auto& [id, member] : members) {
        const member_protocol* const chosen = member.find(protocol.value_or(""));
        if (chosen == nullptr) return topics;
        const auto subscription = kwire::parse_versioned_view<kwire::consumer_protocol_subscription>(
            chosen->metadata.span(), {.missing_newer_fields = true});
        if (!subscription) return topics;
        for (const std::string_view topic : subscription->topics())
            if (topics.contains(topic)) found.insert(*topics.find(topic));
    }
    return found;
}

bool classic_group::elect_joined_leader() {
    if (!leader) return false;
    if (const group_member* const now = find(*leader); now != nullptr && now->awaits_join) return true;
    const auto other =
        std::ranges::find_if(members, [](const auto& entry) { return entry.second.awaits_join; });
    if (other == members.end()) return false;
    leader = other->first;
    return true;
}

std::chrono::milliseconds classic_group::rebalance_timeout() const noexcept {
    std::chrono::milliseconds longest{0};
    for (const auto& [id, member] : members) longest = std::max(longest, member.rebalance_timeout);
    return longest;
}

void classic_group::start_generation() {
    ++generation;
    not_synced.clear();
    protocol = members.empty() ? std::nullopt : std::optional(choose_protocol());
    enter(members.empty() ? group_state::empty : group_state::completing_rebalance);
}

void classic_group::enter(group_state next) {
    was_empty = state == group_state::empty;
    state = next;
    state_since = milliseconds_now();
}

std::vector<kwire::join_group_response::member::data> classic_group::list_members() const {
    std::vector<kwire::join_group_response::member::data> out;
    out.reserve(members.size());
    for (const auto& [id, member] : members) {
        const member_protocol* const chosen = member.find(protocol.value_or(""));
        out.push_back({.member_id = id,
                       .group_instance_id = member.instance_id,
                       .metadata = chosen != nullptr ? chosen->metadata : kwire::shared_buffer()});
    }
    return out;
}

} // namespace echo_broker
