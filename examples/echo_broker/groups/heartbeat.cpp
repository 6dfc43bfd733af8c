// Heartbeat: a member of a group is alive, and learns when it must join again.
#include <kwire/messages/heartbeat.hpp>

#include "echo_broker/broker.hpp"
#include "echo_broker/groups/handlers.hpp"
#include "echo_broker/groups/rebalance.hpp"

namespace echo_broker {

kwire::heartbeat_response::data heartbeat(broker& here, const kwire::message<kwire::heartbeat_request>& asked,
                                          client&) {
    if (asked->group_id().empty()) return {.error_code = error_code::invalid_group_id};
    classic_group* const group = here.classic_groups.find(asked->group_id());
    if (group == nullptr) return {.error_code = error_code::unknown_member_id};
    if (const error_code no = group->check_member(asked->member_id(), asked->group_instance_id());
        no != error_code::none)
        return {.error_code = no};
    if (asked->generation_id() != group->generation) return {.error_code = error_code::illegal_generation};
    keep_alive(here, *group, *group->find(asked->member_id()));
    return {.error_code = group->state == group_state::preparing_rebalance ? error_code::rebalance_in_progress
                                                                           : error_code::none};
}

} // namespace echo_broker
