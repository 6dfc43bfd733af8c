// The handlers of groups/.
#pragma once

#include <kwire/messages/consumer_group_describe.hpp>
#include <kwire/messages/consumer_group_heartbeat.hpp>
#include <kwire/messages/delete_groups.hpp>
#include <kwire/messages/describe_groups.hpp>
#include <kwire/messages/heartbeat.hpp>
#include <kwire/messages/join_group.hpp>
#include <kwire/messages/leave_group.hpp>
#include <kwire/messages/list_groups.hpp>
#include <kwire/messages/offset_commit.hpp>
#include <kwire/messages/offset_delete.hpp>
#include <kwire/messages/offset_fetch.hpp>
#include <kwire/messages/sync_group.hpp>
#include <kwire/messages/txn_offset_commit.hpp>

#include "echo_broker/service.hpp"

namespace echo_broker {

// Groups of the new protocol (KIP-848).

kwire::consumer_group_heartbeat_response::data
consumer_group_heartbeat(broker& here, const kwire::message<kwire::consumer_group_heartbeat_request>& asked,
                         client& from);
kwire::consumer_group_describe_response::data
consumer_group_describe(broker& here, const kwire::message<kwire::consumer_group_describe_request>& asked,
                        client& from);

// Membership in groups of the classic protocol.

void join_group(broker& here, kwire::message<kwire::join_group_request> asked, client& from,
                answer_to<kwire::join_group_response> to);
void sync_group(broker& here, kwire::message<kwire::sync_group_request> asked, client& from,
                answer_to<kwire::sync_group_response> to);
kwire::heartbeat_response::data heartbeat(broker& here, const kwire::message<kwire::heartbeat_request>& asked,
                                          client& from);
kwire::leave_group_response::data
leave_group(broker& here, const kwire::message<kwire::leave_group_request>& asked, client& from);

// Administration of groups.

kwire::describe_groups_response::data
describe_groups(broker& here, const kwire::message<kwire::describe_groups_request>& asked, client& from);
kwire::list_groups_response::data
list_groups(broker& here, const kwire::message<kwire::list_groups_request>& asked, client& from);
kwire::delete_groups_response::data
delete_groups(broker& here, const kwire::message<kwire::delete_groups_request>& asked, client& from);

// Offsets of groups.

kwire::offset_commit_response::data
offset_commit(broker& here, const kwire::message<kwire::offset_commit_request>& asked, client& from);
kwire::offset_fetch_response::data
offset_fetch(broker& here, const kwire::message<kwire::offset_fetch_request>& asked, client& from);
kwire::offset_delete_response::data
offset_delete(broker& here, const kwire::message<kwire::offset_delete_request>& asked, client& from);
kwire::txn_offset_commit_response::data
txn_offset_commit(broker& here, const kwire::message<kwire::txn_offset_commit_request>& asked, client& from);

} // namespace echo_broker
