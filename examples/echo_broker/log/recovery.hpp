// What the broker takes over from the files of a partition when it starts.
#pragma once

#include <cstdint>
#include <string_view>

#include "echo_broker/log/partition_log.hpp"

namespace echo_broker {

class broker;

/// Opens the files of an empty partition in the data directory, which the broker has, and rebuilds from
/// their batches what it knows about producers. Files of a topic of the same name that was deleted are
/// removed if the partition `is_new`. Throws std::system_error.
void open_log(broker& here, std::string_view topic, std::int32_t index, partition_log& partition,
              bool is_new);

/// Restores groups, offsets and transactions from the broker's own topics, which are made if they are not
/// there, and finishes what was decided before the broker ended. Throws std::system_error and
/// std::runtime_error.
void restore_own_records(broker& here);

} // namespace echo_broker
