// Groups of the new protocol as records of `__consumer_offsets`, as Kafka keeps them (KIP-848): their members
// go on after a restart.
#pragma once

#include <kwire/records/record.hpp>

namespace echo_broker {

class broker;
struct consumer_group;

/// Writes what has changed since the last call.
void log_consumer_group(broker& here, consumer_group& group);
/// Writes that the group and its members are gone.
void log_consumer_group_removal(broker& here, consumer_group& group);

/// Takes what these functions have written; false for a record of another type.
bool restore_consumer_group(broker& here, const kwire::record_view& record);
/// Begins the sessions of the members.
void finish_restoring_consumer_groups(broker& here);

} // namespace echo_broker
