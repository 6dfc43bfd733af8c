// How groups of the classic protocol come into being, and when they are forgotten.
#pragma once

#include <string_view>

#include "echo_broker/groups/classic_group.hpp"

namespace echo_broker {

class broker;

/// Makes a group; null if there is no memory for it.
classic_group* make_group(broker& here, std::string_view name);
/// Cancels all timers of a group, removes it, and forgets its record in the log.
void remove_group(broker& here, classic_group& group);
/// Removes a group that exists only because of a request that came to nothing.
void forget_if_unused(broker& here, std::string_view name);
/// From time to time: forgets offsets that were committed long ago by groups that have no members any more,
/// and groups that have neither members nor offsets.
void expire_groups_later(broker& here);

} // namespace echo_broker
