// Groups and their offsets as Kafka keeps them: records of `__consumer_offsets`.
//
// A broker keeps them if it has this topic, which it makes for itself when it has files. After a start it
// shows all batches of the topic to restore_groups, the oldest of each partition first, and then calls
// finish_restoring_groups.
#pragma once

#include <kwire/records/batch.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "echo_broker/groups/classic_group.hpp"
#include "echo_broker/groups/committed_offsets.hpp"
#include "echo_broker/log/producer_identity.hpp"

namespace echo_broker {

class broker;

inline constexpr std::string_view group_topic = "__consumer_offsets";

/// Writes the group as it is now.
void log_group(broker& here, const classic_group& group);
void log_group_removal(broker& here, std::string_view group);
/// Writes offsets that are about to be committed, perhaps in the transaction of a producer.
void log_offsets(broker& here, std::string_view group, std::span<const offset_of_partition> offsets,
                 producer_identity producer = {});
struct named_partition {
    std::string topic;
    std::int32_t partition = 0;
};
void log_offset_removals(broker& here, std::string_view group, std::span<const named_partition> offsets);
/// Writes the marker that ends the transaction of a producer.
void log_transaction_end(broker& here, std::string_view group, producer_identity producer, bool committed);

/// Takes what these functions have written. Records of other types are skipped, also broken ones.
void restore_groups(broker& here, const kwire::batch_view& batch);
/// Begins the sessions of the members.
void finish_restoring_groups(broker& here);

} // namespace echo_broker
