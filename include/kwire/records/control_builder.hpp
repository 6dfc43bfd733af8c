/// Writes control batches, which brokers put between the data (KIP-98, KIP-595, KIP-630).
///
///     kwire::shared_buffer marker = kwire::build_marker({.type = kwire::control_type::commit,
///                                                        .producer_id = 42, .producer_epoch = 3,
///                                                        .coordinator_epoch = 7, .timestamp = now});
///
///     // Markers of KRaft, whose values are messages that begin with their version:
///     kwire::batch_builder builder({.base_offset = end, .is_control = true});
///     auto change = kwire::encode<kwire::leader_change_message>({.leader_id = 4}, 0)->to_bytes();
///     auto done = kwire::append_control(builder, kwire::control_type::leader_change, now, change.span());
///
/// Only brokers and controllers write them; a broker refuses them from producers.
#pragma once

#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/detail/config.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/records/builder.hpp>
#include <kwire/records/control.hpp>
#include <kwire/wire/endian.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace kwire::inline KWIRE_ABI {

/// Appends a control record with a key of version 0 to `builder`, whose options should have is_control.
///
/// `value` is the encoded message that control_type names for the type; for commit and abort, a version of
/// two bytes and an end_txn_marker. Errors: those of batch_builder::append.
[[nodiscard]] inline expected<void, error> append_control(batch_builder& builder, control_type type,
                                                          std::int64_t timestamp,
                                                          std::span<const std::byte> value) {
    std::array<std::byte, 4> key{}; // a version of 0, and the type
    wire::store_be(key.data() + 2, static_cast<std::int16_t>(type));
    return builder.append({.timestamp = timestamp, .key = key, .value = value});
}

/// The fields of the marker that ends a transaction in one partition (KIP-98).
struct transaction_marker {
    control_type type = control_type::commit; ///< commit or abort
    std::int64_t producer_id = -1;            ///< of the producer whose transaction ends
    /// The producer's epoch.
    std::int16_t producer_epoch = -1;
    /// The epoch of the transaction's coordinator.
    std::int32_t coordinator_epoch = 0;
    std::int64_t timestamp = -1; ///< ms
    /// Where the batch is in the log.
    std::int64_t base_offset = 0;
    /// A broker sets it.
    std::int32_t partition_leader_epoch = -1;
};

/// The batch of 78 bytes that ends a transaction, in one allocation. Aborts if the type is neither commit nor
/// abort.
[[nodiscard]] inline shared_buffer build_marker(const transaction_marker& marker) {
    detail::require(marker.type == control_type::commit || marker.type == control_type::abort);
    constexpr std::size_t size = 78;
    batch_builder builder({.base_offset = marker.base_offset,
                           .partition_leader_epoch = marker.partition_leader_epoch,
                           .producer_id = marker.producer_id,
                           .producer_epoch = marker.producer_epoch,
                           .is_transactional = true,
                           .is_control = true,
                           .expected_bytes = size});
    std::array<std::byte, 6> value{}; // a version of 0, and the end_txn_marker
    wire::store_be(value.data() + 2, marker.coordinator_epoch);
    const bool fits = append_control(builder, marker.type, marker.timestamp, value).has_value();
    detail::require(fits);
    return std::move(builder).finish().to_bytes();
}

} // namespace kwire::inline KWIRE_ABI
