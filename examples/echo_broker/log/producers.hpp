// Idempotent producers: which batches of theirs the partitions have already (KIP-98).
#pragma once

#include <kwire/error_code.hpp>
#include <kwire/expected.hpp>
#include <kwire/records/batch.hpp>

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace echo_broker {

class partition_log;

/// What a partition knows of a producer, as DescribeProducers shows it.
struct producer_summary {
    std::int64_t id;
    std::int16_t epoch;
    std::int32_t last_sequence;     ///< -1 if it has written nothing in this epoch
    std::int64_t last_timestamp;    ///< ms
    std::int32_t coordinator_epoch; ///< of its last marker; -1 if it has none
};

/// The epoch and the last five batches of each producer in each partition, as in Kafka
/// (ProducerStateManager).
///
/// Remembers a limited number of producers. One that was forgotten, because it has not produced for the
/// longest time, counts as new, so that a batch that it sends again is stored again.
class producer_table {
public:
    /// The base offset of the batch if the partition has it already; nullopt if it is the next one. Otherwise
    /// the code of the refusal. Batches without a producer id are always new.
    [[nodiscard]] kwire::expected<std::optional<std::int64_t>, kwire::error_code>
    find(const partition_log& partition, const kwire::batch_view& batch) const noexcept;

    [[nodiscard]] bool knows(const partition_log& partition, std::int64_t producer_id) const noexcept {
        return producers_.contains({&partition, producer_id});
    }

    /// Remembers a new batch, which gets the offsets from `base_offset` on.
    void add(const partition_log& partition, const kwire::batch_view& batch, std::int64_t base_offset);
    /// A marker ended the producer's transaction. An epoch that is higher begins new sequence numbers.
    void add_marker(const partition_log& partition, std::int64_t producer_id, std::int16_t epoch,
                    std::int32_t coordinator_epoch, std::int64_t timestamp);
    /// Forgets what is known of a partition that is deleted.
    void forget(const partition_log& partition) noexcept;

    [[nodiscard]] std::vector<producer_summary> all_of(const partition_log& partition) const;

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
        std::int64_t last_timestamp = -1;
        std::int32_t coordinator_epoch = -1;
        std::list<key>::iterator place; ///< in by_use_

        [[nodiscard]] std::int32_t last_sequence() const noexcept {
            return count == 0 ? -1 : batches[(count - 1) % batches.size()].last;
        }
    };

    /// The producer, which becomes the one that was used last, in this epoch.
    producer& use(const partition_log& partition, std::int64_t producer_id, std::int16_t epoch);

    std::map<key, producer> producers_;
    std::list<key> by_use_; ///< the last one has produced most recently
};

} // namespace echo_broker
