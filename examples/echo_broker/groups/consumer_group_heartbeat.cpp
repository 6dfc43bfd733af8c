// ConsumerGroupHeartbeat: members of groups of the new protocol join, live, hand partitions over, and leave
// (KIP-848).
//
// A group of the classic protocol that has members is not taken over: the answer is GROUP_ID_NOT_FOUND, as
// Kafka's is with group.consumer.migration.policy=disabled. An empty one is replaced.
#include <kwire/expected.hpp>
#include <kwire/messages/consumer_group_heartbeat.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "echo_broker/broker.hpp"
#include "echo_broker/groups/consumer_group.hpp"
#include "echo_broker/groups/consumer_group_assignor.hpp"
#include "echo_broker/groups/consumer_group_log.hpp"
#include "echo_broker/groups/handlers.hpp"

namespace echo_broker {

namespace {

using request = kwire::consumer_group_heartbeat_request;
using heartbeat_data = kwire::consumer_group_heartbeat_response::data;
using member_type = consumer_group_member;

constexpr std::int32_t joins = 0, leaves = -1;

struct refusal {
    error_code code{};
    std::string_view why;
};

heartbeat_data refused(const refusal& no) {
    heartbeat_data answer;
    answer.error_code = no.code;
    answer.error_message = no.why;
    return answer;
}

bool is_blank(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) <= ' '; });
}

/// What is wrong with a request, whatever the state of its group; NONE if nothing is.
refusal check(const request::view& asked, std::int16_t version) {
    const auto invalid = [](std::string_view why) { return refusal{error_code::invalid_request, why}; };
    const std::int32_t epoch = asked.member_epoch();
    // In v0 the broker chooses the id of a member that joins.
    if ((version >= 1 || epoch > 0 || epoch == leaves) && is_blank(asked.member_id()))
        return invalid("the member id is empty");
    if (is_blank(asked.group_id())) return invalid("the group id is empty");
    if (const auto id = asked.instance_id(); id && is_blank(*id)) return invalid("the instance id is empty");
    if (const auto rack = asked.rack_id(); rack && is_blank(*rack)) return invalid("the rack id is empty");
    if (epoch == joins) {
        if (asked.rebalance_timeout_ms() == -1)
            return invalid("a member that joins has a rebalance time-out");
        if (asked.topic_partitions().is_null() || !asked.topic_partitions().empty())
            return invalid("a member that joins owns an empty list of partitions");
        if (asked.subscribed_topic_names().is_null() && !asked.subscribed_topic_regex())
            return invalid("a member that joins subscribes to names or to a regular expression");
    } else if (epoch == member_type::away && !asked.instance_id()) {
        return invalid("only a member with an instance id can leave for a while");
    } else if (epoch < member_type::away) {
        return invalid("there is no such member epoch");
    }
    if (const auto name = asked.server_assignor();
        name && std::ranges::find(assignor_names, *name) == assignor_names.end())
        return {error_code::unsupported_assignor, "the assignors are uniform and range"};
    return {};
}

/// Whether a member may speak with this epoch. An older one is its own if the answer with the new one was
/// lost; then it owns nothing that it could have lost in between.
refusal check_epoch(const member_type& member, std::int32_t epoch, const owned_partitions& owns) {
    if (epoch == joins || epoch == member.epoch) return {};
    if (epoch > member.epoch)
        return {error_code::fenced_member_epoch, "the member has a later epoch than the group knows; it must "
                                                 "give up its partitions and join again"};
    const bool lost_answer = epoch == member.previous_epoch && owns.given && !owns.others &&
                             std::ranges::includes(member.assigned, owns.known);
    if (lost_answer) return {};
    return {error_code::fenced_member_epoch,
            "the member has an old epoch; it must give up its partitions and join again"};
}

/// What a heartbeat says about the partitions of its member.
owned_partitions owned_by(const request::view& asked, const member_type* member) {
    owned_partitions out;
    out.given = !asked.topic_partitions().is_null();
    if (member == nullptr) return out;
    for (const auto topic : asked.topic_partitions())
        for (const std::int32_t partition : topic.partitions()) {
            const topic_partition one{topic.topic_id(), partition};
            if (member->assigned.contains(one) || member->pending_revocation.contains(one))
                out.known.insert(one);
            else
                out.others = true;
        }
    return out;
}

std::string new_uuid_text() {
    static std::random_device random;
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (int i = 0; i < 4; ++i) {
        std::uint32_t part = random();
        for (int j = 0; j < 8; ++j, part >>= 4) out += digits[part & 15];
    }
    return out;
}

void stop_timers(broker& here, member_type& member) {
    here.timers.cancel(member.session);
    here.timers.cancel(member.rebalance);
}

/// Removes a member. The others get what it had with their next heartbeats.
void remove_member(broker& here, consumer_group& group, member_type& member) {
    stop_timers(here, member);
    group.remove(member);
    ++group.epoch;
    group.resolve_topics(here.topics);
    here.consumer_groups.count(group);
    log_consumer_group(here, group);
}

/// Follows changes of subscriptions and topics. A group whose new targets would take too much memory keeps
/// the old ones.
void bring_up_to_date(broker& here, consumer_group& group, bool new_subscriptions) {
    bool changed = new_subscriptions;
    if (new_subscriptions || group.is_outdated(here.topics)) changed |= group.resolve_topics(here.topics);
    if (changed) ++group.epoch;
    if (group.epoch == group.target_epoch) return;
    here.consumer_groups.count(group);
    std::size_t partitions = 0;
    for (const auto& [topic, facts] : group.topics) partitions += static_cast<std::size_t>(facts.partitions);
    constexpr std::size_t each_partition = 240; // in a target, and in what a member and the group own
    if (here.consumer_groups.has_room(partitions * each_partition)) group.update_targets();
}

/// Removes a member that does not show itself for the time of a session.
void restart_session(broker& here, const consumer_group& group, member_type& member) {
    here.timers.cancel(member.session);
    member.session =
        here.timers.after(here.chosen.consumer_session, [&here, group = group.name, id = member.id] {
            consumer_group* const found = here.consumer_groups.find(group);
            member_type* const late = found == nullptr ? nullptr : found->find(id);
            if (late != nullptr) remove_member(here, *found, *late);
        });
}

/// Removes a member that does not give up partitions in time.
void watch_revocation(broker& here, const consumer_group& group, member_type& member,
                      const partition_set& waited_for) {
    if (member.state != member_state::unrevoked) return here.timers.cancel(member.rebalance);
    if (member.pending_revocation == waited_for) return; // the time runs since the answer without them
    here.timers.cancel(member.rebalance);
    const auto limit = std::max(member.rebalance_timeout, std::chrono::milliseconds(0));
    member.rebalance =
        here.timers.after(limit, [&here, group = group.name, id = member.id, epoch = member.epoch] {
            consumer_group* const found = here.consumer_groups.find(group);
            member_type* const late = found == nullptr ? nullptr : found->find(id);
            if (late != nullptr && late->epoch == epoch && late->state == member_state::unrevoked)
                remove_member(here, *found, *late);
        });
}

heartbeat_data leave(broker& here, const request::view& asked) {
    consumer_group* const group = here.consumer_groups.find(asked.group_id());
    if (group == nullptr) return refused({error_code::group_id_not_found, "there is no such group"});
    const auto instance = asked.instance_id();
    member_type* const member = instance ? group->find_static(*instance) : group->find(asked.member_id());
    if (member == nullptr) return refused({error_code::unknown_member_id, "there is no such member"});
    if (member->id != asked.member_id())
        return refused({error_code::fenced_instance_id, "another member has taken this instance id over"});

    heartbeat_data answer;
    answer.member_id = asked.member_id();
    answer.member_epoch = asked.member_epoch();
    if (asked.member_epoch() == leaves) {
        remove_member(here, *group, *member);
        return answer;
    }
    // Its partitions are kept for the next member with this instance id, until its session ends.
    member->epoch = member_type::away;
    here.timers.cancel(member->rebalance);
    for (const topic_partition& one : member->pending_revocation) group->owned.erase(one);
    member->pending_revocation.clear();
    if (member->state == member_state::unrevoked) member->state = member_state::stable;
    log_consumer_group(here, *group);
    return answer;
}

/// The bytes of what a request adds to its group.
std::size_t size_of(const request::view& asked) {
    constexpr std::size_t each_member = 2000, each_name = 150, each_regex = 50'000;
    return each_member + (asked.subscribed_topic_regex() ? each_regex : 0) + kwire::bytes_of(asked).size() +
           each_name * (asked.subscribed_topic_names().is_null() ? 0 : asked.subscribed_topic_names().size());
}

/// Puts a member in the place of one that has left for a while.
member_type& replace(broker& here, consumer_group& group, member_type& old, std::string id) {
    stop_timers(here, old);
    member_type made = std::move(old);
    group.members.erase(group.members.find(made.id));
    made.id = id;
    made.epoch = made.previous_epoch = 0;
    group.static_members[made.instance_id.value_or("")] = id;
    return group.members.insert_or_assign(std::move(id), std::move(made)).first->second;
}

/// Takes over what a heartbeat says of its member; true if the group must be assigned again.
bool update(consumer_group& group, member_type& member, const request::view& asked,
            std::optional<topic_pattern> pattern) {
    bool changed = false;
    if (const auto id = asked.instance_id()) {
        if (member.instance_id) group.static_members.erase(*member.instance_id);
        member.instance_id = *id;
        group.static_members[std::string(*id)] = member.id;
    }
    if (const auto rack = asked.rack_id()) member.rack_id = *rack;
    if (asked.rebalance_timeout_ms() != -1)
        member.rebalance_timeout = std::chrono::milliseconds(asked.rebalance_timeout_ms());
    if (const auto name = asked.server_assignor()) changed |= std::exchange(member.assignor, *name) != *name;
    if (!asked.subscribed_topic_names().is_null()) {
        std::set<std::string, std::less<>> names;
        for (const std::string_view name : asked.subscribed_topic_names())
            if (topic_table::valid_name(name)) names.emplace(name);
        changed |= names != member.topic_names;
        member.topic_names = std::move(names);
    }
    if (const auto text = asked.subscribed_topic_regex()) {
        changed |= std::exchange(member.topic_regex, *text) != *text;
        if (pattern) group.regexes.try_emplace(std::string(*text), *std::move(pattern));
    }
    return changed;
}

/// The member that a heartbeat is from; null for one that joins and is new.
kwire::expected<member_type*, refusal> find_member(consumer_group* group, const request::view& asked) {
    const bool joining = asked.member_epoch() == joins;
    const auto unexpected = [](error_code code, std::string_view why) {
        return kwire::unexpected(refusal{code, why});
    };
    if (group == nullptr) {
        if (joining) return nullptr;
        return unexpected(error_code::group_id_not_found, "there is no such group");
    }
    const auto instance = asked.instance_id();
    member_type* const member =
        instance && !joining ? group->find_static(*instance) : group->find(asked.member_id());
    member_type* const holder = instance ? group->find_static(*instance) : nullptr;
    if (joining && holder != nullptr) {
        if (holder->epoch != member_type::away)
            return unexpected(error_code::unreleased_instance_id, "another member has this instance id");
        if (const member_type* const other = group->find(asked.member_id());
            other != nullptr && other != holder)
            return unexpected(error_code::fenced_instance_id, "another member has this member id");
        return holder;
    }
    if (member == nullptr) {
        if (!joining) return unexpected(error_code::unknown_member_id, "there is no such member");
        if (group->members.size() >= consumer_group::most_members)
            return unexpected(error_code::group_max_size_reached, "the group accepts no more members");
        return nullptr;
    }
    if (member->id != asked.member_id())
        return unexpected(error_code::fenced_instance_id, "another member has taken this instance id over");
    const refusal no = check_epoch(*member, asked.member_epoch(), owned_by(asked, member));
    if (no.code != error_code::none) return kwire::unexpected(no);
    return member;
}

heartbeat_data::struct_type::assignment::data shown(const partition_set& partitions) {
    heartbeat_data::struct_type::assignment::data out;
    for (const topic_partition& one : partitions) {
        if (out.topic_partitions.empty() || out.topic_partitions.back().topic_id != one.topic)
            out.topic_partitions.emplace_back().topic_id = one.topic;
        out.topic_partitions.back().partitions.push_back(one.partition);
    }
    return out;
}

} // namespace

void watch_members(broker& here, consumer_group& group) {
    for (auto& [id, member] : group.members) {
        watch_revocation(here, group, member, {});
        restart_session(here, group, member);
    }
}

heartbeat_data consumer_group_heartbeat(broker& here, const kwire::message<request>& message, client& from) {
    const request::view asked = message.view();
    if (const refusal no = check(asked, message.api_version()); no.code != error_code::none)
        return refused(no);
    if (asked.member_epoch() < 0) return leave(here, asked);

    consumer_group* group = here.consumer_groups.find(asked.group_id());
    const auto found = find_member(group, asked);
    if (!found) return refused(found.error());
    member_type* member = *found;

    // Everything that may be refused comes before the first change.
    std::optional<topic_pattern> pattern;
    const std::string_view regex = asked.subscribed_topic_regex().value_or("");
    if (!regex.empty() && (group == nullptr || !group->regexes.contains(regex))) {
        pattern = topic_pattern::compile(regex);
        if (!pattern)
            return refused(
                {error_code::invalid_regular_expression, "the broker cannot match this regular expression"});
    }
    const bool grows = member == nullptr || pattern || !asked.subscribed_topic_names().is_null();
    if (grows && !here.consumer_groups.has_room(size_of(asked)))
        return refused({error_code::group_max_size_reached, "the broker has no memory for more members"});
    group = here.consumer_groups.find(asked.group_id()); // has_room may have dropped it
    if (group == nullptr) {
        if (!release_classic_group(here, asked.group_id()))
            return refused(
                {error_code::group_id_not_found, "the group is of the classic protocol, and has members"});
        group = &here.consumer_groups.create(asked.group_id());
    }

    const bool is_new = member == nullptr;
    std::string id(asked.member_id());
    if (id.empty()) id = new_uuid_text();
    if (is_new) {
        member = &group->members[id];
        member->id = std::move(id);
    } else if (member->epoch == member_type::away || member->id != id) {
        member = &replace(here, *group, *member, std::move(id));
    }
    const std::string_view client_id = message.client_id().value_or("");
    member->client_id = client_id;
    member->client_host = "/" + from.address.address().to_string();
    const std::int32_t group_epoch = group->epoch, member_epoch = member->epoch;
    bring_up_to_date(here, *group, update(*group, *member, asked, std::move(pattern)));

    const partition_set waited_for = member->pending_revocation;
    const partition_set before = member->assigned;
    group->reconcile(*member, owned_by(asked, member));
    watch_revocation(here, *group, *member, waited_for);
    restart_session(here, *group, *member);
    if (is_new || member->assigned != before) here.consumer_groups.count(*group);

    heartbeat_data answer;
    answer.member_id = member->id;
    answer.member_epoch = member->epoch;
    answer.heartbeat_interval_ms = static_cast<std::int32_t>(here.chosen.consumer_heartbeat.count());
    const bool complete =
        asked.rebalance_timeout_ms() != -1 && !asked.topic_partitions().is_null() &&
        (!asked.subscribed_topic_names().is_null() || asked.subscribed_topic_regex().has_value());
    if (complete || member->assigned != before) answer.assignment = shown(member->assigned);
    if (is_new || complete || group->epoch != group_epoch || member->epoch != member_epoch ||
        member->assigned != before || member->pending_revocation != waited_for)
        log_consumer_group(here, *group);
    return answer;
}

} // namespace echo_broker
