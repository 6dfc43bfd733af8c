#include "echo_broker/groups/offset_rules.hpp"

#include <algorithm>
#include <vector>

#include "echo_broker/broker.hpp"
#include "echo_broker/clock.hpp"
#include "echo_broker/groups/group_log.hpp"
#include "echo_broker/groups/rebalance.hpp"

namespace echo_broker {

namespace {

/// Kafka counts the characters as Java does: one for each UTF-16 unit.
std::size_t length_in_java(std::string_view text) noexcept {
    std::size_t units = 0;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte & 0xc0) != 0x80) units += byte >= 0xf0 ? 2 : 1; // not a byte that continues a character
    }
    return units;
}

} // namespace

kwire::expected<offset_of_partition, error_code>
offset_to_store(broker& here, std::string_view group, std::string_view topic, const kwire::uuid& topic_id,
                std::int32_t partition, std::int64_t offset, std::int32_t epoch,
                std::optional<std::string_view> metadata) {
    const std::string_view text = metadata.value_or("");
    if (length_in_java(text) > longest_metadata)
        return kwire::unexpected(error_code::offset_metadata_too_large);
    auto memory = here.offsets.room_for(group, topic, text.size());
    if (!memory) return kwire::unexpected(error_code::invalid_commit_offset_size);
    return offset_of_partition{.topic = topic,
                               .partition = partition,
                               .content = {.offset = offset,
                                           .leader_epoch = epoch,
                                           .metadata = std::string(text),
                                           .timestamp = milliseconds_now(),
                                           .topic_id = topic_id,
                                           .memory = *std::move(memory)}};
}

void forget_offsets(broker& here, std::string_view group) {
    if (const committed_offsets::by_topic* const topics = here.offsets.find(group)) {
        std::vector<named_partition> gone;
        for (const auto& [topic, partitions] : *topics)
            for (const auto& [partition, content] : partitions) gone.push_back({topic, partition});
        log_offset_removals(here, group, gone);
    }
    here.offsets.erase(group);
}

void forget_offsets_of_topic(broker& here, std::string_view topic) {
    for (const std::string& group : here.offsets.groups_with(topic)) {
        std::vector<named_partition> gone;
        for (const auto& [partition, content] : here.offsets.find(group)->find(topic)->second)
            gone.push_back({std::string(topic), partition});
        log_offset_removals(here, group, gone);
        for (const named_partition& one : gone) here.offsets.erase(group, topic, one.partition);
    }
}

} // namespace echo_broker
