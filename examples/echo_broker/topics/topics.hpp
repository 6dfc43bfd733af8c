// Topics and their partitions.
#pragma once

#include <kwire/wire/uuid.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "echo_broker/log/partition_log.hpp"
#include "echo_broker/topics/topic_config.hpp"
#include "echo_broker/topics/topic_journal.hpp"

namespace echo_broker {

struct topic {
    std::string name;
    kwire::uuid id;
    topic_config config;
    std::deque<partition_log> partitions; ///< by index; only added to, so that addresses stay

    [[nodiscard]] partition_log* partition(std::int32_t index) noexcept {
        const bool exists = index >= 0 && static_cast<std::size_t>(index) < partitions.size();
        return exists ? &partitions[static_cast<std::size_t>(index)] : nullptr;
    }
    [[nodiscard]] std::int32_t partition_count() const noexcept {
        return static_cast<std::int32_t>(partitions.size());
    }
    /// Whether the broker keeps its own records there.
    [[nodiscard]] bool is_internal() const noexcept {
        return name == "__consumer_offsets" || name == "__transaction_state";
    }
};

/// All topics, by name and by id, and the journal that makes them outlive the process.
class topic_table {
public:
    using by_name = std::map<std::string, std::unique_ptr<topic>, std::less<>>;
    /// Prepares the log of a partition, which is a new one or one that a topic of the data directory has.
    using open_log =
        std::function<void(const topic& of, std::int32_t index, partition_log& log, bool is_new)>;

    explicit topic_table(std::int32_t default_partitions) noexcept
        : default_partitions_(default_partitions) {}

    /// Restores the topics of a data directory, and records there what changes from now on. `opens` is called
    /// for each partition, now and later. Throws std::runtime_error if that is not possible.
    void open(const std::string& data_dir, open_log opens);

    [[nodiscard]] std::int32_t default_partitions() const noexcept { return default_partitions_; }
    [[nodiscard]] topic* find(std::string_view name) const noexcept;
    [[nodiscard]] topic* find(const kwire::uuid& id) const noexcept;
    /// The name of a topic whose metrics would have the same names as those of a new topic `name`, since '.'
    /// is written as '_' there; null if there is none. Kafka has no two such topics.
    [[nodiscard]] const std::string* find_collision(std::string_view name) const;
    [[nodiscard]] const by_name& all() const noexcept { return topics_; }
    /// Rises with each topic that is created or deleted, and with each change of a topic's partitions.
    [[nodiscard]] std::uint64_t changes() const noexcept { return changes_; }
    /// Whether there may be so many partitions more, besides so many others.
    [[nodiscard]] bool has_room(std::int64_t partitions, std::int64_t besides = 0) const noexcept;

    // These change nothing and return null or false if there would be too many partitions, or if files cannot
    // be written.

    /// Creates a topic that does not exist yet, of the default number of partitions.
    topic* create(std::string_view name) { return create(name, default_partitions_, {}); }
    topic* create(std::string_view name, std::int32_t partitions, topic_config config = {});
    /// Adds partitions until there are `count`.
    bool grow(topic& grown, std::int32_t count);
    bool configure(topic& changed, topic_config config);
    /// Takes a topic out of the table. Only for delete_topic in topics/delete_topics.cpp, which knows who
    /// else keeps something of it.
    [[nodiscard]] std::unique_ptr<topic> remove(topic& removed);

    /// Kafka's rule: 1 to 249 letters, digits, dots, underscores and hyphens, but not "." or "..".
    [[nodiscard]] static bool valid_name(std::string_view name) noexcept;

private:
    [[nodiscard]] std::unique_ptr<topic> make(const kwire::uuid& id, const recorded_topic& recorded,
                                              bool is_new);
    topic& insert(std::unique_ptr<topic> made);
    bool add_partitions(topic& to, std::int32_t count, bool is_new);
    void tidy_journal();
    /// Takes back what add_partitions did.
    static void remove_partitions(topic& from, std::int32_t count);

    std::int32_t default_partitions_;
    std::int64_t partitions_ = 0; ///< of all topics
    by_name topics_;
    std::uint64_t changes_ = 0;
    std::map<kwire::uuid, topic*> by_id_;
    std::multimap<std::string, topic*>
        by_metric_; ///< those with '.' or '_' in their names, by these with '_'
    std::optional<topic_journal> journal_;
    open_log open_log_;
};

} // namespace echo_broker
