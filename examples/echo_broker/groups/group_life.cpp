#include "echo_broker/groups/group_life.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "echo_broker/broker.hpp"
#include "echo_broker/clock.hpp"
#include "echo_broker/groups/group_log.hpp"

namespace echo_broker {

using namespace std::chrono_literals;

namespace {

constexpr auto between_looks = 10min;                       // Kafka's offsets.retention.check.interval.ms
constexpr std::int64_t retention_ms = 7LL * 24 * 3'600'000; // and its offsets.retention.minutes

bool is_unused(const broker& here, const classic_group& group) {
    return group.state == group_state::empty && group.pending.empty() && !here.offsets.has(group.name);
}

/// Offsets expire some time after the group has lost its last member; those of a group that never had any,
/// after their commit.
void expire_offsets(broker& here, const classic_group& group) {
    const committed_offsets::by_topic* const topics = here.offsets.find(group.name);
    if (group.state != group_state::empty || topics == nullptr) return;
    const std::int64_t oldest = milliseconds_now() - retention_ms;
    if (group.protocol_type && group.state_since > oldest) return;
    std::vector<named_partition> gone;
    for (const auto& [topic, partitions] : *topics)
        for (const auto& [partition, content] : partitions)
            if (content.timestamp <= oldest) gone.push_back({topic, partition});
    log_offset_removals(here, group.name, gone);
    for (const named_partition& one : gone) here.offsets.erase(group.name, one.topic, one.partition);
}

void expire_groups(broker& here) {
    here.classic_groups.expires = false;
    std::vector<std::string> unused;
    for (const auto& [name, group] : here.classic_groups.all()) {
        expire_offsets(here, *group);
        if (is_unused(here, *group)) unused.push_back(name);
    }
    for (const std::string& name : unused) remove_group(here, *here.classic_groups.find(name));
    expire_groups_later(here);
}

} // namespace

classic_group* make_group(broker& here, std::string_view name) {
    classic_group* const made = here.classic_groups.create(name);
    expire_groups_later(here);
    return made;
}

void remove_group(broker& here, classic_group& group) {
    for (auto& [id, member] : group.members) here.timers.cancel(member.expiry);
    for (auto& [id, pending] : group.pending) here.timers.cancel(pending.expiry);
    here.timers.cancel(group.join_timer);
    here.timers.cancel(group.sync_timer);
    log_group_removal(here, group.name);
    here.classic_groups.erase(std::string(group.name));
}

void forget_if_unused(broker& here, std::string_view name) {
    classic_group* const group = here.classic_groups.find(name);
    if (group != nullptr && group->generation == 0 && is_unused(here, *group)) remove_group(here, *group);
}

void expire_groups_later(broker& here) {
    if (here.classic_groups.expires || here.classic_groups.all().empty()) return;
    here.classic_groups.expires = true;
    here.timers.after(between_looks, [&here] { expire_groups(here); });
}

} // namespace echo_broker
