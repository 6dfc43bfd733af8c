// What stored batches say about producers and their transactions: after a start.
#pragma once

#include <kwire/records/batch.hpp>

#include "echo_broker/log/partition_log.hpp"

namespace echo_broker {

class broker;

/// Takes a batch of `partition` as if it was appended now. Call it for all of them in the order of offsets,
/// also for markers.
void restore_producer(broker& here, partition_log& partition, const kwire::batch_view& batch);

} // namespace echo_broker
