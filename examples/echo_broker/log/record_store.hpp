// Batches in memory, and the bound on what they keep alive.
#pragma once

#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/records/batch.hpp>

#include <cstdint>
#include <deque>
#include <utility>

namespace echo_broker {

class partition_log;

/// A batch with its offsets.
struct stored_batch {
    stored_batch(const kwire::batch_view& batch, kwire::shared_buffer content)
        : base_offset(batch.base_offset()),
          next_offset(batch.next_offset()),
          max_timestamp(batch.max_timestamp()),
          bytes(std::move(content)),
          memory(bytes.pinned_bytes()) {}

    std::int64_t base_offset;
    std::int64_t next_offset;
    std::int64_t max_timestamp;
    kwire::shared_buffer bytes;
    std::uint64_t memory; ///< bytes of memory that are free once this batch and all older ones are dropped
    bool counts_older = false;          ///< whether `memory` is also that of an older batch
    std::uint64_t number = 0;           ///< in the order of arrival
    partition_log* partition = nullptr; ///< null once the partition has dropped it
};

/// The batches of all partitions in the order of their arrival, with a bound on the memory that they keep
/// alive; the oldest are dropped first.
///
/// The batches of one request share its frame, and those of small requests what was read at once. That memory
/// is free when the last of them is dropped; so it is counted with the newest of them. (A response that is
/// still being sent may keep it longer.)
class record_store {
public:
    explicit record_store(std::uint64_t most_bytes) noexcept : most_bytes_(most_bytes) {}

    /// Stores the newest batch of `partition`, and returns its number. If there is no memory for it, nothing
    /// has changed, and std::bad_alloc is thrown. `before` is the number of the batch that came before it on
    /// the same connection, the only one with which it may share memory; 0 if there is none.
    std::uint64_t add(stored_batch&& batch, partition_log& partition, std::uint64_t before);
    /// Valid until the batch is dropped or released.
    [[nodiscard]] const stored_batch& newest() const noexcept { return batches_.back(); }
    /// Lets go of a batch that its partition has dropped out of turn.
    void release(const stored_batch& dropped) noexcept;
    /// Drops the oldest batch; returns whether there was one.
    bool make_room() noexcept {
        if (batches_.empty()) return false;
        drop_oldest();
        return true;
    }
    /// The memory that the batches keep alive.
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

private:
    void drop_oldest() noexcept;

    std::deque<stored_batch> batches_;
    std::uint64_t first_number_ = 1;
    std::uint64_t bytes_ = 0;
    std::uint64_t most_bytes_;
    std::uint64_t most_since_ = 0; ///< of bytes_, since free memory was given back
};

} // namespace echo_broker
