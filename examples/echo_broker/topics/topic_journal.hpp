// The file of the topics in a data directory: Kafka's records of cluster metadata (KIP-631), one batch for
// each change.
#pragma once

#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/expected.hpp>
#include <kwire/wire/uuid.hpp>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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
    [[nodiscard]] static kwire::expected<opened, std::string> open(std::string path);

    topic_journal(topic_journal&& other) noexcept;
    topic_journal& operator=(topic_journal&& other) noexcept;
    ~topic_journal();

    // Each returns false if the change is not in the file, which then has no part of it.

    [[nodiscard]] bool created(const kwire::uuid& id, const recorded_topic& topic);
    [[nodiscard]] bool grown(const kwire::uuid& id, std::int32_t from, std::int32_t to);
    [[nodiscard]] bool configured(std::string_view topic, const topic_config& before,
                                  const topic_config& after);
    [[nodiscard]] bool removed(const kwire::uuid& id);

    /// Whether the file is large, and twice as large as when it had only what holds.
    [[nodiscard]] bool is_worth_rewriting() const noexcept {
        return size_ > least_to_rewrite && size_ / 2 > size_when_written_;
    }
    /// Puts a file that has only these topics into the place of this one; if that fails, says so on stderr,
    /// and goes on with the old one.
    void rewrite(const recorded_topics& topics);

private:
    static constexpr std::int64_t least_to_rewrite = 256 << 10;

    topic_journal(std::string path, int file) noexcept : path_(std::move(path)), file_(file) {}
    [[nodiscard]] static kwire::expected<topic_journal, std::string> write(const std::string& path,
                                                                           const recorded_topics& topics);
    bool append(std::span<const kwire::shared_buffer> values);

    std::string path_;
    int file_;
    std::int64_t size_ = 0;
    std::int64_t size_when_written_ = 0; ///< when everything in it held
    std::int64_t next_offset_ = 0;
    bool syncs_ = true; ///< after each change
};

struct topic_journal::opened {
    topic_journal journal;
    recorded_topics topics;
};

} // namespace echo_broker
