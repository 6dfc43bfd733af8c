#include "echo_broker/groups/consumer_group_log.hpp"

#include <kwire/embedded/encode_stored.hpp>
#include <kwire/embedded/visit_record.hpp>
#include <kwire/messages/consumer_group_current_member_assignment_record.hpp>
#include <kwire/messages/consumer_group_member_metadata_record.hpp>
#include <kwire/messages/consumer_group_metadata_record.hpp>
#include <kwire/messages/consumer_group_target_assignment_member_record.hpp>
#include <kwire/messages/consumer_group_target_assignment_metadata_record.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "echo_broker/broker.hpp"
#include "echo_broker/clock.hpp"
#include "echo_broker/groups/consumer_group.hpp"
#include "echo_broker/groups/group_log.hpp"
#include "echo_broker/log/own_records.hpp"

namespace echo_broker {

namespace {

std::string text_of(std::span<const std::byte> bytes) {
    std::string out(bytes.size(), '\0');
    std::ranges::transform(bytes, out.begin(), [](std::byte b) { return static_cast<char>(b); });
    return out;
}

std::size_t hash_of_bytes(std::span<const std::byte> bytes) {
    return std::hash<std::string_view>()(text_of(bytes));
}

/// The records of one group: those that differ from what the log has.
class changes {
public:
    explicit changes(consumer_group& group) : group_(group) {}

    template <class Key, class Value>
    void put(const typename Key::data& key, const typename Value::data& value) {
        auto k = kwire::encode_stored_key<Key>(key);
        auto v = kwire::encode_versioned<Value>(value, 0);
        if (!k || !v) return; // a text that is longer than the format allows, which no request can carry
        std::string name = text_of(k->span());
        const std::size_t hash = hash_of_bytes(v->span());
        const auto logged = group_.logged.find(name);
        if (logged == group_.logged.end() || logged->second != hash)
            records_.push_back({*std::move(k), *std::move(v)});
        now_.emplace(std::move(name), hash);
    }
    /// All that was not put is gone.
    std::vector<own_record> finish() && {
        for (const auto& [name, hash] : group_.logged)
            if (!now_.contains(name))
                records_.push_back(
                    {kwire::shared_buffer::copy_of(std::as_bytes(std::span(name))), std::nullopt});
        group_.logged = std::move(now_);
        return std::move(records_);
    }

private:
    consumer_group& group_;
    std::map<std::string, std::size_t, std::less<>> now_;
    std::vector<own_record> records_;
};

/// Partitions by topic, as the records have them.
template <class Stored>
std::vector<Stored> by_topic(const partition_set& partitions) {
    std::vector<Stored> out;
    for (const topic_partition& one : partitions) {
        if (out.empty() || out.back().topic_id != one.topic) out.emplace_back().topic_id = one.topic;
        out.back().partitions.push_back(one.partition);
    }
    return out;
}

partition_set set_of(const auto& topics) {
    partition_set out;
    for (const auto topic : topics)
        for (const std::int32_t partition : topic.partitions()) out.insert({topic.topic_id(), partition});
    return out;
}

std::optional<std::string> unless_empty(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
}

void put_member(changes& out, const std::string& group, const consumer_group_member& member) {
    using metadata = kwire::consumer_group_member_metadata_value;
    metadata::data facts{.instance_id = member.instance_id,
                         .rack_id = member.rack_id,
                         .client_id = member.client_id,
                         .client_host = member.client_host,
                         .subscribed_topic_regex = unless_empty(member.topic_regex),
                         .rebalance_timeout_ms = static_cast<std::int32_t>(member.rebalance_timeout.count()),
                         .server_assignor = unless_empty(member.assignor),
                         .classic_member_metadata = std::nullopt};
    facts.subscribed_topic_names.assign(member.topic_names.begin(), member.topic_names.end());
    out.put<kwire::consumer_group_member_metadata_key, metadata>({.group_id = group, .member_id = member.id},
                                                                 facts);

    using target = kwire::consumer_group_target_assignment_member_value;
    out.put<kwire::consumer_group_target_assignment_member_key, target>(
        {.group_id = group, .member_id = member.id},
        {.topic_partitions = by_topic<target::topic_partition::data>(member.target)});

    using current = kwire::consumer_group_current_member_assignment_value;
    out.put<kwire::consumer_group_current_member_assignment_key, current>(
        {.group_id = group, .member_id = member.id},
        {.member_epoch = member.epoch,
         .previous_member_epoch = member.previous_epoch,
         .state = static_cast<std::int8_t>(member.state), // the numbers are the same
         .assigned_partitions = by_topic<current::topic_partitions::data>(member.assigned),
         .partitions_pending_revocation =
             by_topic<current::topic_partitions::data>(member.pending_revocation)});
}

} // namespace

void log_consumer_group(broker& here, consumer_group& group) {
    partition_log* const partition = own_partition(here, group_topic, group.name);
    if (partition == nullptr) return;
    changes out(group);
    out.put<kwire::consumer_group_metadata_key, kwire::consumer_group_metadata_value>(
        {.group_id = group.name}, {.epoch = group.epoch});
    out.put<kwire::consumer_group_target_assignment_metadata_key,
            kwire::consumer_group_target_assignment_metadata_value>({.group_id = group.name},
                                                                    {.assignment_epoch = group.target_epoch});
    for (const auto& [id, member] : group.members) put_member(out, group.name, member);
    append_own(here, *partition, std::move(out).finish());
}

void log_consumer_group_removal(broker& here, consumer_group& group) {
    partition_log* const partition = own_partition(here, group_topic, group.name);
    if (partition != nullptr) append_own(here, *partition, changes(group).finish());
}

// -- after a start

namespace {

consumer_group& group_of(broker& here, std::string_view name) {
    consumer_group* const found = here.consumer_groups.find(name);
    return found != nullptr ? *found : here.consumer_groups.create(name);
}

consumer_group_member& member_of(consumer_group& group, std::string_view id) {
    consumer_group_member& found = group.members[std::string(id)];
    found.id = id;
    return found;
}

void restore(consumer_group& group, const kwire::consumer_group_member_metadata_key::view& key,
             const kwire::consumer_group_member_metadata_value::view& value) {
    consumer_group_member& member = member_of(group, key.member_id());
    member.instance_id.reset();
    if (const auto id = value.instance_id()) member.instance_id = *id;
    member.rack_id.reset();
    if (const auto id = value.rack_id()) member.rack_id = *id;
    member.client_id = value.client_id();
    member.client_host = value.client_host();
    member.topic_names.clear();
    for (const std::string_view name : value.subscribed_topic_names()) member.topic_names.emplace(name);
    member.topic_regex = value.subscribed_topic_regex().value_or("");
    member.rebalance_timeout = std::chrono::milliseconds(std::max(value.rebalance_timeout_ms(), 0));
    member.assignor = value.server_assignor().value_or("");
}

void restore(consumer_group& group, const kwire::consumer_group_current_member_assignment_key::view& key,
             const kwire::consumer_group_current_member_assignment_value::view& value) {
    consumer_group_member& member = member_of(group, key.member_id());
    member.epoch = value.member_epoch();
    member.previous_epoch = value.previous_member_epoch();
    member.state = value.state() == 1   ? member_state::unrevoked
                   : value.state() == 2 ? member_state::unreleased
                                        : member_state::stable;
    member.assigned = set_of(value.assigned_partitions());
    member.pending_revocation = set_of(value.partitions_pending_revocation());
}

} // namespace

bool restore_consumer_group(broker& here, const kwire::record_view& record) {
    std::optional<std::string> name; // of the group; unset if the record is of another type
    const auto take = [&](std::string_view group_id, const auto& value, const auto& stored) {
        name = group_id;
        if (value) stored(group_of(here, group_id), *value);
    };
    [[maybe_unused]] const auto done = kwire::visit_record<kwire::consumer_offsets>(
        record, kwire::overloaded{
                    [&](kwire::consumer_group_metadata_key::view key,
                        std::optional<kwire::consumer_group_metadata_value::view> value) {
                        take(key.group_id(), value,
                             [](consumer_group& group, auto& facts) { group.epoch = facts.epoch(); });
                        if (value) return;
                        if (consumer_group* const gone = here.consumer_groups.find(key.group_id()))
                            gone->members.clear();
                        here.consumer_groups.remove(key.group_id());
                    },
                    [&](kwire::consumer_group_target_assignment_metadata_key::view key,
                        std::optional<kwire::consumer_group_target_assignment_metadata_value::view> value) {
                        take(key.group_id(), value, [](consumer_group& group, auto& facts) {
                            group.target_epoch = facts.assignment_epoch();
                        });
                    },
                    [&](kwire::consumer_group_member_metadata_key::view key,
                        std::optional<kwire::consumer_group_member_metadata_value::view> value) {
                        take(key.group_id(), value,
                             [&](consumer_group& group, auto& facts) { restore(group, key, facts); });
                        consumer_group* const group = here.consumer_groups.find(key.group_id());
                        if (!value && group != nullptr) group->members.erase(std::string(key.member_id()));
                    },
                    [&](kwire::consumer_group_target_assignment_member_key::view key,
                        std::optional<kwire::consumer_group_target_assignment_member_value::view> value) {
                        take(key.group_id(), value, [&](consumer_group& group, auto& facts) {
                            member_of(group, key.member_id()).target = set_of(facts.topic_partitions());
                        });
                    },
                    [&](kwire::consumer_group_current_member_assignment_key::view key,
                        std::optional<kwire::consumer_group_current_member_assignment_value::view> value) {
                        take(key.group_id(), value,
                             [&](consumer_group& group, auto& facts) { restore(group, key, facts); });
                    },
                    [](kwire::stored_message<kwire::consumer_offsets>) {},
                });
    if (!name) return false;
    consumer_group* const group = here.consumer_groups.find(*name);
    if (group == nullptr || !record.key()) return true;
    if (const auto value = record.value())
        group->logged.insert_or_assign(text_of(*record.key()), hash_of_bytes(*value));
    else
        group->logged.erase(text_of(*record.key()));
    return true;
}

void finish_restoring_consumer_groups(broker& here) {
    for (const auto& [name, state] : here.consumer_groups.list()) {
        consumer_group& group = *here.consumer_groups.find(name);
        // Each member that has joined has a time-out; one without it is a record that was left over.
        std::erase_if(group.members,
                      [](const auto& one) { return one.second.rebalance_timeout.count() < 0; });
        for (auto& [id, member] : group.members) {
            if (member.instance_id) group.static_members[*member.instance_id] = id;
            for (const partition_set* const part : {&member.assigned, &member.pending_revocation})
                group.owned.insert(part->begin(), part->end());
            if (member.topic_regex.empty()) continue;
            if (auto pattern = topic_pattern::compile(member.topic_regex))
                group.regexes.try_emplace(member.topic_regex, *std::move(pattern));
        }
        group.resolve_topics(here.topics);
        here.consumer_groups.count(group);
        watch_members(here, group);
    }
}

} // namespace echo_broker
