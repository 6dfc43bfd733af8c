// Records that the broker itself writes and reads: what Kafka keeps in __consumer_offsets and
// __transaction_state, and the markers that end transactions.
#pragma once

#include <kwire/buffer/shared_buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "echo_broker/log/partition_log.hpp"
#include "echo_broker/log/producer_identity.hpp"

namespace echo_broker {

class broker;

/// A record of the broker's own. A null value deletes the key.
struct own_record {
    kwire::shared_buffer key;
    std::optional<kwire::shared_buffer> value;
};

/// The hash of a text by which Kafka chooses partitions for its own records: that of Java, for texts in
/// ASCII, without the sign.
[[nodiscard]] std::int32_t hash_of(std::string_view text) noexcept;

/// The partition of one of the broker's own topics that has all records about `name`, a group or a
/// transactional id; null if the broker keeps none.
[[nodiscard]] partition_log* own_partition(broker& here, std::string_view topic,
                                           std::string_view name) noexcept;

/// Appends one batch with these records, with the time of now; nothing if there are none. They are part of
/// the transaction of `producer`, if there is one.
void append_own(broker& here, partition_log& partition, std::span<const own_record> records,
                const producer_identity& producer = {});

/// Its coordinator never changes.
inline constexpr std::int32_t coordinator_epoch = 0;

/// Ends the transaction of a producer in a partition, at `timestamp` (ms).
void append_marker(broker& here, partition_log& partition, const producer_identity& producer, bool committed,
                   std::int64_t timestamp);

/// Drops records that newer ones of the same key replace, if they are most of what the files have. Call it at
/// the start, when no one reads the partition.
void compact_own(broker& here, partition_log& partition);

} // namespace echo_broker
