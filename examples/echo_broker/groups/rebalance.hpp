// How a group of the classic protocol moves from one generation to the next: when its members must join
// again, how long it waits for them, and who is removed.
#pragma once

#include <kwire/error_code.hpp>
#include <kwire/messages/join_group.hpp>
#include <kwire/messages/sync_group.hpp>

#include <chrono>
#include <string_view>

#include "echo_broker/groups/classic_group.hpp"

namespace echo_broker {

class broker;

/// Removes the member, or the pending one, if nothing is heard from it for so long.
void expire_after(broker& here, classic_group& group, std::string_view member_id,
                  std::chrono::milliseconds time);
/// The member is alive: its session starts again from now.
void keep_alive(broker& here, classic_group& group, group_member& member);

/// Asks all members to join again; those who wait for an assignment get none.
void begin_rebalance(broker& here, classic_group& group);
/// Begins a rebalance; or ends the one that has begun if no one is missing any more.
void rebalance(broker& here, classic_group& group);
/// After a member has left: the others share its work.
void rebalance_without(broker& here, classic_group& group);

/// Removes a member and its time-out; answers what it waits for. The caller rebalances.
void remove_member(broker& here, classic_group& group, std::string_view member_id);

/// The member has sent its SyncGroup.
void has_synced(broker& here, classic_group& group, std::string_view member_id);
/// Gives all members what the leader has assigned to them; those who wait get it.
void hand_out_assignments(broker& here, classic_group& group);

/// What a member learns about the generation: the leader also who the others are.
[[nodiscard]] kwire::join_group_response::data describe_generation(const classic_group& group,
                                                                   const group_member& member);

/// Answers from the event loop, and no effect if the connection has ended. (Sending at once may call the next
/// handler, in the middle of a change of the group.)
void answer_join(broker& here, group_member& member, kwire::join_group_response::data response);
void answer_sync(broker& here, group_member& member, kwire::sync_group_response::data response);

} // namespace echo_broker
