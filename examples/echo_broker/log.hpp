// The log: the batches of each partition, as slices of the frames in which they arrived.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/records/batch.hpp>

#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <deque>
#include <vector>

namespace echo_broker {

/// There is only one broker and it is always the leader, so its epoch never changes.
inline constexpr std::int32_t leader_epoch = 0;

class partition_log;

/// A batch with its offsets.
struct stored_batch {
    stored_batch(const kwire::batch_view& batch, kwire::shared_buffer content, std::uint64_t memory_of_it)
        : base_offset(batch.base_offset()),
          next_offset(batch.next_offset()),
          max_timestamp(batch.max_timestamp()),
          bytes(std::move(content)),
          memory(memory_of_it) {}

    std::int64_t base_offset;
    std::int64_t next_offset;
    std::int64_t max_timestamp;
    kwire::shared_buffer bytes;
    std::uint64_t memory; ///< bytes of memory that are free once this batch and all older ones are dropped
    partition_log* partition = nullptr;
};

/// The batches of all partitions in the order of their arrival, with a bound on the memory that they keep
/// alive; the oldest are dropped first.
///
/// The batches of one request share its frame. They arrive together, so the frame is free when the last of
/// them is dropped; that one has its memory. (A response that is still being sent may keep it longer.)
class record_store {
public:
    explicit record_store(std::uint64_t most_bytes) noexcept : most_bytes_(most_bytes) {}

    /// Stores the newest batch of `partition`; the reference is valid until the batch is dropped.
    const stored_batch& add(stored_batch batch, partition_log& partition);

private:
    std::deque<stored_batch> batches_;
    std::uint64_t bytes_ = 0;
    std::uint64_t most_bytes_;
};

/// Someone who waits until so many bytes of batches are appended to any of some partitions.
struct append_waiter {
    std::uint64_t missing;
    boost::asio::steady_timer& timer; ///< cancelled when none are missing any more
};

/// One partition. A batch is added in two steps, since its bytes are writable only until they are shared:
/// first it gets the offsets from end_offset() on, and advance() reserves them; after its frame is frozen,
/// append() stores it.
class partition_log {
public:
    /// The oldest stored offset, and the offset of the next record (the high watermark).
    [[nodiscard]] std::int64_t start_offset() const noexcept { return start_offset_; }
    [[nodiscard]] std::int64_t end_offset() const noexcept { return end_offset_; }
    /// From the oldest to the newest.
    [[nodiscard]] const std::deque<const stored_batch*>& batches() const noexcept { return batches_; }

    /// Reserves the offsets before `end_offset` for a batch that append() will store.
    void advance(std::int64_t end_offset) noexcept { end_offset_ = end_offset; }
    /// Stores a batch that has its offsets, and wakes waiting fetches. Call it in the order of offsets.
    void append(record_store& store, stored_batch batch);
    /// Forgets the oldest batch.
    void drop_oldest() noexcept;

    /// References to the batches from the one that contains `offset` on, as many as fit into `max_bytes`; the
    /// first one regardless of its size if `at_least_one`.
    [[nodiscard]] kwire::buffer_chain read(std::int64_t offset, std::uint64_t max_bytes,
                                           bool at_least_one) const;

    /// Registers a waiter for the next appends; the caller removes it with forget().
    void wake_on_append(append_waiter& waiter) { waiting_.push_back(&waiter); }
    void forget(append_waiter& waiter) noexcept { std::erase(waiting_, &waiter); }

private:
    std::deque<const stored_batch*> batches_;
    std::int64_t start_offset_ = 0;
    std::int64_t end_offset_ = 0;
    std::vector<append_waiter*> waiting_;
};

} // namespace echo_broker
