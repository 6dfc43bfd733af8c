// The file of the topics in a data directory: Kafka's records of cluster metadata (KIP-631), one batch for
// each change.
#pragma once

#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/wire/uuid.hpp>

#include <cstdint>
#include <expected>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "echo_broker/topics/topic_config.hpp"

namespace echo_broker {

/// A topic as the file has it.
struct recorded_topic {
    std::string name;
    std::int32_t partitions = 0;
    topic_config config;
};
using recorded_topics = std::map<kwire::uuid, recorded_topic>;

/// Appends to the file. Move-only; closes it at the end.
class topic_journal {
public:
    struct opened;
    /// Reads the file, or creates it. A change at its end that was not written whole is cut off, and said so
    /// on stderr. What was deleted since is removed from the file. The error says what is wrong.
    [[nodiscard]] static std::expected<opened, std::string> open(std::string path);

    topic_journal(topic_journal&& other) noexcept;
    topic_journal& operator=(topic_journal&&) = delete;
    ~topic_journal();

    // Each returns false if the change is not in the file, which then has no part of it.

    [[nodiscard]] bool created(const kwire::uuid& id, const recorded_topic& topic);
    [[nodiscard]] bool grown(const kwire::uuid& id, std::int32_t from, std::int32_t to);
    [[nodiscard]] bool configured(std::string_view topic, const topic_config& before,
                                  const topic_config& after);
    [[nodiscard]] bool removed(const kwire::uuid& id);

private:
    topic_journal(int file, std::int64_t size) noexcept : file_(file), size_(size) {}
    bool append(std::span<const kwire::shared_buffer> values);

    int file_;
    std::int64_t size_;
    std::int64_t next_offset_ = 0;
};

struct topic_journal::opened {
    topic_journal journal;
    recorded_topics topics;
};

} // namespace echo_broker
