// Topics and their partitions.
#pragma once

#include <kwire/wire/uuid.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "log.hpp"

namespace echo_broker {

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
    /// Creates a topic that does not exist yet; returns null if there would be too many partitions.
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
