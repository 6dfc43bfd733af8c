// Groups and their offsets are read back from `__consumer_offsets`.
#include <kwire/embedded/visit_record.hpp>
#include <kwire/messages/group_metadata_record.hpp>
#include <kwire/messages/offset_commit_record.hpp>
#include <kwire/records/control.hpp>
#include <kwire/records/read.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "echo_broker/broker.hpp"
#include "echo_broker/groups/consumer_group_log.hpp"
#include "echo_broker/groups/group_life.hpp"
#include "echo_broker/groups/group_log.hpp"
#include "echo_broker/groups/own_bytes.hpp"
#include "echo_broker/groups/rebalance.hpp"

namespace echo_broker {

using std::chrono::milliseconds;

namespace {

void restore_offset(broker& here, const kwire::offset_commit_key::view& key,
                    const std::optional<kwire::offset_commit_value::view>& value,
                    producer_identity producer) {
    if (!value) {
        here.offsets.erase(key.group(), key.topic(), key.partition());
        return;
    }
    auto memory = here.offsets.room_for(key.group(), key.topic(), value->metadata().size());
    if (!memory) return; // it was stored when there was room, so there is
    offset_of_partition one{.topic = key.topic(),
                            .partition = key.partition(),
                            .content = {.offset = value->offset(),
                                        .leader_epoch = value->leader_epoch(),
                                        .metadata = std::string(value->metadata()),
                                        .timestamp = value->commit_timestamp(),
                                        .topic_id = value->topic_id(),
                                        .memory = *std::move(memory)}};
    if (producer.id >= 0)
        here.offsets.commit_later(key.group(), producer.id, producer.epoch, std::move(one));
    else
        here.offsets.commit(key.group(), std::move(one));
}

void restore_group(broker& here, const kwire::group_metadata_key::view& key,
                   const std::optional<kwire::group_metadata_value::view>& value) {
    here.classic_groups.erase(key.group());
    if (!value) return;
    classic_group* const group = here.classic_groups.create(key.group());
    if (group == nullptr) return;
    group->generation = value->generation();
    group->protocol_type = value->protocol_type();
    if (value->protocol_type().empty()) group->protocol_type.reset();
    if (const auto protocol = value->protocol()) group->protocol = *protocol;
    for (auto stored : value->members()) {
        auto memory = here.classic_groups.memory.take(1000 + bytes_of(stored).size());
        if (!memory) break;
        group_member member{.id = std::string(stored.member_id()),
                            .instance_id = std::nullopt,
                            .client_id = std::string(stored.client_id()),
                            .client_host = std::string(stored.client_host()),
                            .rebalance_timeout = milliseconds(std::max(stored.rebalance_timeout(), 0)),
                            .session_timeout = milliseconds(std::max(stored.session_timeout(), 0)),
                            .protocols = {{group->protocol.value_or(""), own_bytes(stored.subscription())}},
                            .assignment = own_bytes(stored.assignment()),
                            .memory = *std::move(memory),
                            .is_new = false};
        if (const auto instance = stored.group_instance_id()) member.instance_id = *instance;
        group->add(std::move(member));
    }
    group->leader.reset();
    if (const auto leader = value->leader()) group->leader = *leader;
    group->enter(group->members.empty() ? group_state::empty : group_state::stable);
    group->state_since = value->current_state_timestamp();
}

} // namespace

void restore_groups(broker& here, const kwire::batch_view& batch) {
    const auto records = kwire::records(batch, here.codecs.all, codecs::most_bytes);
    if (!records) return;
    const producer_identity producer = batch.is_transactional()
                                           ? producer_identity{batch.producer_id(), batch.producer_epoch()}
                                           : producer_identity{};
    for (const auto& record : *records) {
        if (!record) return;
        if (batch.is_control()) {
            const auto marker = kwire::control_of(*record);
            if (!marker) continue;
            const bool committed = marker->type() == kwire::control_type::commit;
            if (!committed && marker->type() != kwire::control_type::abort) continue;
            for (const std::string& group : here.offsets.groups_with(batch.producer_id()))
                here.offsets.end_transaction(group, batch.producer_id(), committed);
            continue;
        }
        if (restore_consumer_group(here, *record)) continue;
        [[maybe_unused]] const auto done = kwire::visit_record<kwire::consumer_offsets>(
            *record, kwire::overloaded{
                         [&](kwire::offset_commit_key::view key,
                             std::optional<kwire::offset_commit_value::view> value) {
                             restore_offset(here, key, value, producer);
                         },
                         [&](kwire::group_metadata_key::view key,
                             std::optional<kwire::group_metadata_value::view> value) {
                             restore_group(here, key, value);
                         },
                         [](kwire::stored_message<kwire::consumer_offsets>) {},
                     });
    }
}

void finish_restoring_groups(broker& here) {
    for (const auto& [name, group] : here.classic_groups.all())
        for (auto& [id, member] : group->members) keep_alive(here, *group, member);
    finish_restoring_consumer_groups(here);
    for (const std::string& name : here.offsets.groups())
        if (!here.consumer_groups.contains(name) && here.classic_groups.find(name) == nullptr)
            make_group(here, name);
    expire_groups_later(here);
}

} // namespace echo_broker
