#include "echo_broker/groups/consumer_group.hpp"

#include <algorithm>
#include <iterator>
#include <ranges>
#include <utility>

#include "echo_broker/groups/consumer_group_assignor.hpp"
#include "echo_broker/topics/topics.hpp"

namespace echo_broker {

namespace {

partition_set common(const partition_set& a, const partition_set& b) {
    partition_set out;
    std::ranges::set_intersection(a, b, std::inserter(out, out.end()));
    return out;
}
partition_set without(const partition_set& a, const partition_set& b) {
    partition_set out;
    std::ranges::set_difference(a, b, std::inserter(out, out.end()));
    return out;
}

/// A heartbeat that names no partitions has not given up any.
bool still_owns(const owned_partitions& owns, const partition_set& revoked) {
    return !owns.given ||
           std::ranges::any_of(revoked, [&](const auto& one) { return owns.known.contains(one); });
}

/// Steps into an epoch; the one before is remembered while its answer may be lost.
void enter(consumer_group_member& member, std::int32_t epoch) {
    if (member.epoch == epoch) return;
    member.previous_epoch = member.epoch;
    member.epoch = epoch;
}

/// Searches on for the topics that match, as far as the budget goes.
void search(consumer_group::resolved_regex& regex, const topic_table& all, std::size_t& budget) {
    if (regex.done && regex.seen_topics == all.changes()) return;
    if (regex.done || regex.next.empty()) {
        regex.done = false;
        regex.seen_topics = all.changes();
        regex.found.clear();
        regex.next.clear();
    }
    auto at = all.all().lower_bound(regex.next);
    for (; at != all.all().end() && budget > 0; ++at) {
        budget -= std::min(budget, regex.pattern.cost(at->first));
        if (regex.pattern.matches(at->first)) regex.found.insert(at->second->id);
    }
    regex.done = at == all.all().end();
    if (!regex.done)
        regex.next = at->first;
    else
        regex.topics = std::exchange(regex.found, {});
}

} // namespace

consumer_group_member* consumer_group::find(std::string_view member_id) noexcept {
    const auto found = members.find(member_id);
    return found == members.end() ? nullptr : &found->second;
}

consumer_group_member* consumer_group::find_static(std::string_view instance_id) noexcept {
    const auto found = static_members.find(instance_id);
    return found == static_members.end() ? nullptr : find(found->second);
}

std::string_view consumer_group::state() const noexcept {
    if (members.empty()) return "Empty";
    if (epoch > target_epoch) return "Assigning";
    const bool reconciled = std::ranges::all_of(members | std::views::values, [&](const auto& one) {
        return one.state == member_state::stable && one.epoch == target_epoch;
    });
    return reconciled ? "Stable" : "Reconciling";
}

bool consumer_group::is_outdated(const topic_table& all) const noexcept {
    return seen_topics != all.changes() ||
           std::ranges::any_of(regexes | std::views::values, [](const auto& one) { return !one.done; });
}

bool consumer_group::resolve_topics(const topic_table& all) {
    std::map<kwire::uuid, subscribed_topic> found;
    const auto add = [&](const topic& one) { found.try_emplace(one.id, one.name, one.partition_count()); };
    std::erase_if(regexes, [&](const auto& one) {
        return std::ranges::none_of(members | std::views::values,
                                    [&](const auto& member) { return member.topic_regex == one.first; });
    });
    std::size_t budget = 10'000'000; // steps of matching, up to 20 ms
    for (auto& [text, regex] : regexes) {
        search(regex, all, budget);
        for (const kwire::uuid& id : regex.topics)
            if (const topic* const one = all.find(id)) add(*one);
    }
    for (const auto& [id, member] : members)
        for (const std::string& topic_name : member.topic_names)
            if (const topic* const one = all.find(topic_name)) add(*one);
    seen_topics = all.changes();
    const bool changed = found != topics;
    topics = std::move(found);
    return changed;
}

std::set<kwire::uuid> consumer_group::topics_of(const consumer_group_member& member) const {
    std::set<kwire::uuid> out;
    const auto regex = regexes.find(member.topic_regex);
    if (regex != regexes.end())
        for (const kwire::uuid& id : regex->second.topics)
            if (topics.contains(id)) out.insert(id);
    if (!member.topic_names.empty())
        for (const auto& [id, topic] : topics)
            if (member.topic_names.contains(topic.name)) out.insert(id);
    return out;
}

/// The assignor that most members wish for; the group's default if there is no wish.
std::string_view consumer_group::wanted_assignor() const {
    std::map<std::string_view, std::size_t> votes;
    for (const auto& [id, member] : members)
        if (!member.assignor.empty()) ++votes[member.assignor];
    const auto most = std::ranges::max_element(votes, {}, [](const auto& one) { return one.second; });
    return most == votes.end() ? assignor_names.front() : most->first;
}

void consumer_group::update_targets() {
    if (epoch == target_epoch) return;
    assignor = wanted_assignor();
    std::vector<assignment_wish> wishes;
    for (const auto& [id, member] : members)
        wishes.push_back({.topics = topics_of(member), .target = member.target});
    partition_counts counts;
    for (const auto& [id, topic] : topics) counts.emplace(id, topic.partitions);
    if (assignor == "range")
        assign_range(wishes, counts);
    else
        assign_uniform(wishes, counts);
    std::size_t i = 0;
    for (auto& [id, member] : members) member.target = std::move(wishes[i++].target);
    target_epoch = epoch;
}

void consumer_group::reconcile(consumer_group_member& member, const owned_partitions& owns) {
    switch (member.state) {
    case member_state::stable:
        if (member.epoch != target_epoch) next_assignment(member, owns);
        return;
    case member_state::unrevoked:
        if (!still_owns(owns, member.pending_revocation)) next_assignment(member, owns);
        return;
    case member_state::unreleased: next_assignment(member, owns); return;
    }
}

void consumer_group::next_assignment(consumer_group_member& member, const owned_partitions& owns) {
    partition_set kept = common(member.assigned, member.target);
    partition_set revoked = without(member.assigned, member.target);
    partition_set taken = without(member.target, kept);
    const std::size_t wanted = taken.size();
    std::erase_if(taken, [&](const topic_partition& one) {
        return owned.contains(one) && !member.pending_revocation.contains(one);
    });
    const bool waits = taken.size() != wanted;

    for (const auto* const old : {&member.assigned, &member.pending_revocation})
        for (const topic_partition& one : *old) owned.erase(one);
    if (!revoked.empty() && still_owns(owns, revoked)) {
        member.state = member_state::unrevoked;
        member.pending_revocation = std::move(revoked);
    } else {
        member.state = waits ? member_state::unreleased : member_state::stable;
        member.pending_revocation.clear();
        enter(member, target_epoch);
        kept.merge(taken);
    }
    member.assigned = std::move(kept);
    owned.insert(member.assigned.begin(), member.assigned.end());
    owned.insert(member.pending_revocation.begin(), member.pending_revocation.end());
}

void consumer_group::remove(consumer_group_member& member) {
    for (const auto* const old : {&member.assigned, &member.pending_revocation})
        for (const topic_partition& one : *old) owned.erase(one);
    if (member.instance_id) {
        const auto found = static_members.find(*member.instance_id);
        if (found != static_members.end() && found->second == member.id) static_members.erase(found);
    }
    members.erase(members.find(member.id));
}

std::size_t consumer_group::size() const noexcept {
    constexpr std::size_t each_group = 600, each_member = 1000, each_text = 100, each_partition = 80;
    std::size_t out = each_group + name.size();
    for (const auto& [id, member] : members) {
        out += each_member + 3 * id.size() + member.client_id.size() + member.client_host.size() +
               2 * member.instance_id.value_or("").size() + member.rack_id.value_or("").size();
        for (const std::string& topic : member.topic_names) out += each_text + topic.size();
        out += (member.target.size() + 2 * member.assigned.size() + 2 * member.pending_revocation.size()) *
               each_partition;
    }
    for (const auto& [text, regex] : regexes)
        out += topic_pattern::most_steps * sizeof(topic_pattern::step) +
               (regex.topics.size() + regex.found.size()) * each_text;
    for (const auto& [id, topic] : topics) out += each_text + topic.name.size();
    return out;
}

} // namespace echo_broker
