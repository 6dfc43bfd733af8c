// The offsets that groups have committed, also those of transactions that have not ended. They belong to the
// name of a group, whichever protocol it uses.
#pragma once

#include <kwire/wire/uuid.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "echo_broker/groups/memory_budget.hpp"

namespace echo_broker {

struct committed_offset {
    std::int64_t offset = -1;
    std::int32_t leader_epoch = -1;
    std::string metadata;
    std::int64_t timestamp = 0;
    kwire::uuid topic_id;
    memory_budget::share memory;
};

/// A partition with its offset, to store.
struct offset_of_partition {
    std::string_view topic;
    std::int32_t partition = 0;
    committed_offset content;
};

class committed_offsets {
public:
    using by_partition = std::map<std::int32_t, committed_offset>;
    using by_topic = std::map<std::string, by_partition, std::less<>>;

    explicit committed_offsets(memory_budget& memory) noexcept : memory_(&memory) {}

    /// Whether the group has any offsets, also of open transactions.
    [[nodiscard]] bool has(std::string_view group) const noexcept { return groups_.contains(group); }
    /// Null if the group has none.
    [[nodiscard]] const by_topic* find(std::string_view group) const noexcept;
    [[nodiscard]] const committed_offset* find(std::string_view group, std::string_view topic,
                                               std::int32_t partition) const noexcept;
    /// Whether a transaction that has not ended commits an offset of this partition.
    [[nodiscard]] bool is_unstable(std::string_view group, std::string_view topic,
                                   std::int32_t partition) const noexcept;

    /// The memory for an offset; none if there is not so much.
    [[nodiscard]] std::optional<memory_budget::share> room_for(std::string_view group, std::string_view topic,
                                                               std::size_t metadata_bytes) noexcept {
        return memory_->take(400 + group.size() + topic.size() + metadata_bytes);
    }
    void commit(std::string_view group, offset_of_partition one);
    /// Keeps it until the end of the producer's transaction.
    void commit_later(std::string_view group, std::int64_t producer_id, std::int16_t producer_epoch,
                      offset_of_partition one);

    struct open_transaction {
        std::int16_t producer_epoch = -1;
        by_topic offsets;
    };
    /// Null if the producer has committed nothing to the group in its transaction.
    [[nodiscard]] const open_transaction* find_transaction(std::string_view group,
                                                           std::int64_t producer_id) const noexcept;
    void end_transaction(std::string_view group, std::int64_t producer_id, bool committed);

    /// False if there is none.
    bool erase(std::string_view group, std::string_view topic, std::int32_t partition);
    void erase(std::string_view group);
    /// The groups that have offsets of this topic.
    [[nodiscard]] std::vector<std::string> groups_with(std::string_view topic) const;
    [[nodiscard]] std::vector<std::string> groups() const;
    /// All groups with a transaction of this producer.
    [[nodiscard]] std::vector<std::string> groups_with(std::int64_t producer_id) const;

private:
    struct group_offsets {
        by_topic committed;
        std::map<std::int64_t, open_transaction> transactions; ///< by producer id
        /// How many transactions commit an offset of a partition.
        std::map<std::string, std::map<std::int32_t, std::size_t>, std::less<>> unstable;
    };
    void erase_if_empty(std::string_view group);

    memory_budget* memory_;
    std::map<std::string, group_offsets, std::less<>> groups_;
};

} // namespace echo_broker
