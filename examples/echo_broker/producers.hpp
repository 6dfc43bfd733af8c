// Idempotent producers: which batches of theirs the partitions have already (KIP-98).
#pragma once

#include <kwire/error_code.hpp>
#include <kwire/records/batch.hpp>

#include <array>
#include <cstdint>
#include <expected>
#include <list>
#include <map>
#include <optional>
#include <utility>

namespace echo_broker {

class partition_log;

/// The epoch and the last five batches of each producer in each partition, as in Kafka
/// (ProducerStateManager).
///
/// Remembers a limited number of producers. One that was forgotten, because it has not produced for the
/// longest time, counts as new, so that a batch that it sends again is stored again.
class producer_table {
public:
    /// The base offset of the batch if the partition has it already; nullopt if it is the next one. Otherwise
    /// the code of the refusal. Batches without a producer id are always new.
    [[nodiscard]] std::expected<std::optional<std::int64_t>, kwire::error_code>
    find(const partition_log& partition, const kwire::batch_view& batch) const noexcept;

    /// Remembers a new batch, which gets the offsets from `base_offset` on.
    void add(const partition_log& partition, const kwire::batch_view& batch, std::int64_t base_offset);

private:
    static constexpr std::size_t most_producers = 100'000; // less than 250 bytes each

    using key = std::pair<const partition_log*, std::int64_t>; ///< the producer id
    struct numbered_batch {
        std::int32_t first, last; ///< sequence numbers
        std::int64_t base_offset;
    };
    struct producer {
        std::int16_t epoch = 0;
        std::array<numbered_batch, 5> batches{}; ///< the oldest is overwritten first
        std::size_t count = 0;                   ///< of all batches in this epoch
        std::list<key>::iterator place;          ///< in by_use_

        [[nodiscard]] std::int32_t last_sequence() const noexcept {
            return batches[(count - 1) % batches.size()].last;
        }
    };

    std::map<key, producer> producers_;
    std::list<key> by_use_; ///< the last one has produced most recently
};

} // namespace echo_broker
