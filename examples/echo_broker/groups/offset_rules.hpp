// What OffsetCommit, TxnOffsetCommit and the deletion of groups and topics have in common.
#pragma once

#include <kwire/error_code.hpp>
#include <kwire/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "echo_broker/groups/committed_offsets.hpp"

namespace echo_broker {

class broker;

inline constexpr std::size_t longest_metadata = 4096; ///< Kafka's offset.metadata.max.bytes

/// An offset to store; or why it cannot be: it is too large, or the broker has stored as much as it may.
[[nodiscard]] kwire::expected<offset_of_partition, kwire::error_code>
offset_to_store(broker& here, std::string_view group, std::string_view topic, const kwire::uuid& topic_id,
                std::int32_t partition, std::int64_t offset, std::int32_t epoch,
                std::optional<std::string_view> metadata);

/// Forgets all offsets of a group that is deleted.
void forget_offsets(broker& here, std::string_view group);
/// Forgets what all groups have committed for a topic that is deleted.
void forget_offsets_of_topic(broker& here, std::string_view topic);

} // namespace echo_broker
