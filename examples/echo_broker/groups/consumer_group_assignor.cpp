#include "echo_broker/groups/consumer_group_assignor.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace echo_broker {

namespace {

/// Takes from the members what they may not keep: partitions that are gone, or that they do not subscribe to.
/// Returns those that no member has.
partition_set keep_valid(std::vector<assignment_wish>& members, const partition_counts& topics) {
    partition_set left;
    std::set<kwire::uuid> wanted;
    for (const assignment_wish& member : members) wanted.insert(member.topics.begin(), member.topics.end());
    for (const kwire::uuid& topic : wanted)
        for (std::int32_t i = 0; i < topics.at(topic); ++i) left.insert({topic, i});
    for (assignment_wish& member : members)
        std::erase_if(member.target, [&](const topic_partition& one) {
            // What is not left is gone, or was kept by a member before.
            return !member.topics.contains(one.topic) || left.erase(one) == 0;
        });
    return left;
}

/// All members subscribe to the same topics: each gets the same number, or one more.
void fill_equally(std::vector<assignment_wish>& members, partition_set left) {
    std::size_t all = left.size();
    for (const assignment_wish& member : members) all += member.target.size();
    const std::size_t share = all / members.size();
    std::size_t larger = all % members.size(); // members with one more

    std::vector<std::size_t> quota(members.size(), share);
    for (std::size_t i = 0; i < members.size() && larger > 0; ++i)
        if (members[i].target.size() > share) ++quota[i], --larger;
    for (std::size_t i = 0; i < members.size() && larger > 0; ++i)
        if (quota[i] == share) ++quota[i], --larger;

    for (std::size_t i = 0; i < members.size(); ++i)
        while (members[i].target.size() > quota[i])
            left.insert(members[i].target.extract(std::prev(members[i].target.end())));
    // In turns, so that the partitions of each topic are spread too.
    for (std::size_t i = 0; !left.empty(); i = (i + 1) % members.size())
        if (members[i].target.size() < quota[i]) members[i].target.insert(left.extract(left.begin()));
}

/// Members subscribe to different topics: each partition goes to the subscriber with the fewest, and then
/// partitions move while that makes two members more equal.
void fill_evenly(std::vector<assignment_wish>& members, partition_set left) {
    std::map<kwire::uuid, std::vector<std::size_t>> subscribers;
    for (std::size_t i = 0; i < members.size(); ++i)
        for (const kwire::uuid& topic : members[i].topics) subscribers[topic].push_back(i);
    const auto poorest = [&](const kwire::uuid& topic) {
        return *std::ranges::min_element(subscribers[topic], {},
                                         [&](std::size_t i) { return members[i].target.size(); });
    };
    while (!left.empty()) {
        const std::size_t to = poorest(left.begin()->topic);
        members[to].target.insert(left.extract(left.begin()));
    }
    constexpr int most_rounds = 10; // each is of all partitions; most groups need one or two
    bool moved = true;
    for (int round = 0; moved && round < most_rounds; ++round) {
        moved = false;
        for (assignment_wish& from : members)
            for (auto at = from.target.begin(); at != from.target.end();) {
                const auto one = at++;
                assignment_wish& to = members[poorest(one->topic)];
                if (to.target.size() + 1 >= from.target.size()) continue;
                to.target.insert(from.target.extract(one));
                moved = true;
            }
    }
}

} // namespace

void assign_uniform(std::vector<assignment_wish>& members, const partition_counts& topics) {
    if (members.empty()) return;
    partition_set left = keep_valid(members, topics);
    const bool same = std::ranges::all_of(
        members, [&](const assignment_wish& one) { return one.topics == members.front().topics; });
    if (same)
        fill_equally(members, std::move(left));
    else
        fill_evenly(members, std::move(left));
}

void assign_range(std::vector<assignment_wish>& members, const partition_counts& topics) {
    for (assignment_wish& member : members) member.target.clear();
    for (const auto& [topic, count] : topics) {
        std::vector<assignment_wish*> subscribers;
        for (assignment_wish& member : members)
            if (member.topics.contains(topic)) subscribers.push_back(&member);
        std::int32_t next = 0;
        for (std::size_t i = 0; i < subscribers.size(); ++i) {
            const auto all = static_cast<std::size_t>(count);
            const std::size_t share = all / subscribers.size() + (i < all % subscribers.size() ? 1 : 0);
            for (std::size_t j = 0; j < share; ++j) subscribers[i]->target.insert({topic, next++});
        }
    }
}

} // namespace echo_broker
