// The log: topics, their partitions, and batches kept as slices of the frames that brought them.
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

/// There is one broker and it has always been the leader, so its epoch never changes.
inline constexpr std::int32_t leader_epoch = 0;

/// One partition. Batches go in in two steps, since their bytes can be written to only before they are
/// shared: they get the offsets from end_offset() on, which advance() then moves, and once their frame is
/// frozen append() keeps them.
class partition_log {
public:
    /// Where a batch was found.
    struct position {
        std::int64_t offset;
        std::int64_t timestamp;
    };

    /// The oldest offset that is still here, and the one that the next record gets (the high watermark).
    [[nodiscard]] std::int64_t start_offset() const noexcept { return start_offset_; }
    [[nodiscard]] std::int64_t end_offset() const noexcept { return end_offset_; }

    /// The offsets before `end_offset` are given to a batch that append() will bring.
    void advance(std::int64_t end_offset) noexcept { end_offset_ = end_offset; }
    /// Keeps a batch that has its offsets, and wakes fetches that wait for it. In the order of offsets.
    void append(kwire::held<kwire::batch_view> batch);

    /// The batches from the one with `offset` on, by reference, as many as fit into `max_bytes`; the first
    /// one in any case if `at_least_one`.
    [[nodiscard]] kwire::buffer_chain read(std::int64_t offset, std::uint64_t max_bytes,
                                           bool at_least_one) const;

    /// The first batch with a record of this time (ms) or later: to the batch, not to the record.
    [[nodiscard]] std::optional<position> find_time(std::int64_t timestamp) const noexcept;

    /// A timer that is cancelled by the next append; the caller takes it away again.
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
    /// A topic that does not exist yet; null if there are too many already.
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
