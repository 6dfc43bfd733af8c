// The log: topics, their partitions, and batches stored as slices of the frames in which they arrived.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/buffer/held.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/wire/uuid.hpp>

#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace echo_broker {

/// There is only one broker and it is always the leader, so its epoch never changes.
inline constexpr std::int32_t leader_epoch = 0;

/// One partition. A batch is added in two steps, since its bytes are writable only until they are shared:
/// first it gets the offsets from end_offset() on, and advance() reserves them; after its frame is frozen,
/// append() stores it.
class partition_log {
public:
    /// The first offset of a batch and its largest timestamp.
    struct position {
        std::int64_t offset;
        std::int64_t timestamp;
    };

    /// The oldest stored offset, and the offset of the next record (the high watermark).
    [[nodiscard]] std::int64_t start_offset() const noexcept { return start_offset_; }
    [[nodiscard]] std::int64_t end_offset() const noexcept { return end_offset_; }

    /// Reserves the offsets before `end_offset` for a batch that append() will store.
    void advance(std::int64_t end_offset) noexcept { end_offset_ = end_offset; }
    /// Stores a batch that has its offsets, and wakes waiting fetches. Call it in the order of offsets.
    void append(kwire::held<kwire::batch_view> batch);

    /// References to the batches from the one that contains `offset` on, as many as fit into `max_bytes`; the
    /// first one regardless of its size if `at_least_one`.
    [[nodiscard]] kwire::buffer_chain read(std::int64_t offset, std::uint64_t max_bytes,
                                           bool at_least_one) const;

    /// The first batch with a record of this timestamp (ms) or later. Exact to the batch, not to the record.
    [[nodiscard]] std::optional<position> find_time(std::int64_t timestamp) const noexcept;

    /// Registers a timer that the next append cancels; the caller removes it with forget().
    void wake_on_append(boost::asio::steady_timer& timer) { waiting_.push_back(&timer); }
    void forget(boost::asio::steady_timer& timer) noexcept { std::erase(waiting_, &timer); }

private:
    struct stored_batch {
        std::int64_t base_offset;
        std::int64_t next_offset;
        std::int64_t max_timestamp;
        kwire::shared_buffer bytes;
    };

    std::deque<stored_batch> batches_;
    std::int64_t start_offset_ = 0;
    std::int64_t end_offset_ = 0;
    std::uint64_t bytes_ = 0;
    std::vector<boost::asio::steady_timer*> waiting_;
};

struct topic {
    std::string name;
    kwire::uuid id;
    std::vector<partition_log> partitions; ///< by index; their number never changes

    [[nodiscard]] partition_log* partition(std::int32_t index) noexcept {
        const bool exists = index >= 0 && static_cast<std::size_t>(index) < partitions.size();
        return exists ? &partitions[static_cast<std::size_t>(index)] : nullptr;
    }
};

/// All topics, by name and by id.
class topic_table {
public:
    using by_name = std::map<std::string, std::unique_ptr<topic>, std::less<>>;

    explicit topic_table(std::int32_t partitions) noexcept : partitions_(partitions) {}

    [[nodiscard]] topic* find(std::string_view name) const noexcept;
    [[nodiscard]] topic* find(const kwire::uuid& id) const noexcept;
    /// Creates a topic that does not exist yet; returns null if there are too many.
    topic* create(std::string_view name);
    [[nodiscard]] const by_name& all() const noexcept { return topics_; }

    /// Kafka's rule: 1 to 249 letters, digits, dots, underscores and hyphens, but not "." or "..".
    [[nodiscard]] static bool valid_name(std::string_view name) noexcept;

private:
    std::int32_t partitions_;
    by_name topics_;
    std::map<kwire::uuid, topic*> by_id_;
};

} // namespace echo_broker
