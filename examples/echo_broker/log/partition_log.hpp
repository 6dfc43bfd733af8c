// The log of a partition: its batches, in memory as slices of the frames in which they arrived, or in files.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/error_code.hpp>

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <limits>
#include <memory>
#include <vector>

#include "echo_broker/log/batch_visitor.hpp"
#include "echo_broker/log/partition_transactions.hpp"
#include "echo_broker/log/record_store.hpp"

namespace echo_broker {

/// There is only one broker and it is always the leader, so its epoch never changes.
inline constexpr std::int32_t leader_epoch = 0;

/// Whether a client may go on that knows this epoch of the leader; -1 says that it knows none (KIP-320).
[[nodiscard]] constexpr kwire::error_code check_epoch(std::int32_t known) noexcept {
    if (known > leader_epoch) return kwire::error_code::unknown_leader_epoch;
    if (known < leader_epoch && known != -1) return kwire::error_code::fenced_leader_epoch;
    return kwire::error_code::none;
}

class partition_files;
class storage;

/// Someone who waits until so many bytes of batches can be read from any of some partitions, or until one of
/// these is deleted.
class append_waiter {
public:
    /// A partition may be named more than once. Cancels `timer` at the end of the wait. `only_stable`: reads
    /// only what is before last_stable_offset().
    append_waiter(boost::asio::steady_timer& timer, std::vector<partition_log*> logs, bool only_stable);
    append_waiter(const append_waiter&) = delete;
    append_waiter& operator=(const append_waiter&) = delete;
    ~append_waiter();

    std::uint64_t missing = 0; ///< bytes; set it before each wait

private:
    friend class partition_log;
    void appended(std::uint64_t bytes) noexcept;
    void deleted(partition_log& log) noexcept;

    boost::asio::steady_timer& timer_;
    bool only_stable_;
    std::vector<partition_log*> logs_; ///< sorted; each of them knows this waiter
};

/// One partition. A batch is added in two steps, since its bytes are writable only until they are shared:
/// first it gets the offsets from end_offset() on, and advance() reserves them; after its frame is frozen,
/// append() stores it.
///
/// In memory unless open() is called. The files then have everything, and memory the newest small batches,
/// which would be sent from memory in any case.
///
/// Others keep its address, so it never moves. Who does, and what happens when it is deleted: delete_topic in
/// topics/delete_topics.cpp.
class partition_log {
public:
    partition_log();
    partition_log(const partition_log&) = delete;
    partition_log& operator=(const partition_log&) = delete;
    /// Ends the waits for appends to it. Files stay.
    ~partition_log();

    /// Keeps the batches in `directory` from now on, and takes over those that are there, each of which is
    /// shown to `seen`. Call it before anything is appended; see recovery.hpp for what the broker does with
    /// the batches. Throws std::system_error.
    void open(storage& files, const std::filesystem::path& directory, const batch_visitor& seen);
    /// Removes the files, of a topic that is deleted. Only the destructor may follow.
    void remove_files();

    /// The first offset that may be read, which may lie within a batch (DeleteRecords), and the offset of the
    /// next record (the high watermark).
    [[nodiscard]] std::int64_t start_offset() const noexcept { return start_offset_; }
    [[nodiscard]] std::int64_t end_offset() const noexcept { return end_offset_; }
    /// Where those who read only committed records stop: the oldest record of a transaction that is open.
    [[nodiscard]] std::int64_t last_stable_offset() const noexcept {
        return std::max(start_offset_, transactions.stable_offset(end_offset_));
    }
    /// The bytes of all batches.
    [[nodiscard]] std::uint64_t bytes() const noexcept;

    /// Reserves the offsets before `end_offset` for a batch that append() will store.
    void advance(std::int64_t end_offset) noexcept { end_offset_ = end_offset; }
    /// Stores a batch that has its offsets, and wakes waiting fetches. Call it in the order of offsets. Takes
    /// and returns what record_store::add does.
    std::uint64_t append(record_store& store, stored_batch batch, std::uint64_t before);

    /// Forgets the oldest batch in memory, which the store drops.
    void drop_oldest() noexcept;
    /// Raises start_offset() to `offset`, at most to end_offset(), and drops the batches (in files: the
    /// segments) that lie before it.
    void drop_before(record_store& store, std::int64_t offset);
    /// Drops the oldest batches (in files: segments) while `most` bytes remain without them.
    void drop_beyond(record_store& store, std::uint64_t most);
    /// Batches from now on come into a new file, so that older ones can be dropped.
    void roll();

    /// References to the batches from the one that contains `offset` on, as many as end at or before the
    /// offset `end` and fit into `max_bytes`; the first one regardless of its size if `at_least_one`. Throws
    /// std::system_error if a file cannot be read.
    [[nodiscard]] kwire::buffer_chain read(std::int64_t offset, std::uint64_t max_bytes, bool at_least_one,
                                           std::int64_t end = std::numeric_limits<std::int64_t>::max()) const;
    /// Shows the batches from the one that contains `offset` on to `seen`, until it returns false; only those
    /// with a max_timestamp of `since` or later. Throws std::system_error if a file cannot be read.
    void visit(std::int64_t offset, const batch_visitor& seen,
               std::int64_t since = std::numeric_limits<std::int64_t>::min()) const;

    partition_transactions transactions; ///< changed before the batch that changes it is appended

private:
    friend class append_waiter;

    std::uint64_t keep(record_store& store, stored_batch&& batch, std::uint64_t before);
    void release_oldest(record_store& store) noexcept;
    [[nodiscard]] std::deque<const stored_batch*>::const_iterator
    containing(std::int64_t offset) const noexcept;

    std::deque<const stored_batch*> batches_; ///< in memory, without gaps up to the newest
    std::unique_ptr<partition_files> files_;
    std::int64_t start_offset_ = 0;
    std::int64_t end_offset_ = 0;
    std::uint64_t bytes_ = 0;        ///< of batches_
    std::int64_t stable_offset_ = 0; ///< after the last append
    std::vector<append_waiter*> waiting_;
};

} // namespace echo_broker
