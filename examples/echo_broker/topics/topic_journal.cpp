#include "echo_broker/topics/topic_journal.hpp"

#include <kwire/embedded/encode_stored.hpp>
#include <kwire/embedded/visit_record.hpp>
#include <kwire/error_text.hpp>
#include <kwire/messages/config_record.hpp>
#include <kwire/messages/partition_record.hpp>
#include <kwire/messages/remove_topic_record.hpp>
#include <kwire/messages/topic_record.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/builder.hpp>
#include <kwire/records/read.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>
#include <utility>

#include "echo_broker/broker.hpp"
#include "echo_broker/clock.hpp"
#include "echo_broker/log/storage.hpp"
#include <fcntl.h>
#include <unistd.h>

namespace echo_broker {

namespace {

constexpr std::int8_t topic_resource = 2;

std::string failure(const std::string& path) { return path + ": " + std::strerror(errno); }

bool write_all(int file, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t done = ::write(file, bytes.data(), bytes.size());
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(done));
    }
    return true;
}

kwire::expected<std::vector<std::byte>, std::string> read_all(int file, const std::string& path) {
    std::vector<std::byte> out;
    for (;;) {
        constexpr std::size_t piece = 65536;
        const std::size_t had = out.size();
        out.resize(had + piece);
        const ssize_t done = ::read(file, out.data() + had, piece);
        out.resize(had + static_cast<std::size_t>(std::max<ssize_t>(done, 0)));
        if (done < 0 && errno != EINTR) return kwire::unexpected(failure(path));
        if (done == 0) return out;
    }
}

/// What records of metadata make of the topics.
class replay {
public:
    /// Nullopt, or what is wrong with a record.
    std::optional<std::string> take(const kwire::record_view& record) {
        std::string wrong;
        const auto done = kwire::visit_record<kwire::cluster_metadata>(
            record, kwire::overloaded{
                        [&](kwire::topic_record::view topic) {
                            topics[topic.topic_id()].name = topic.name();
                            ids[std::string(topic.name())] = topic.topic_id();
                        },
                        [&](kwire::partition_record::view partition) {
                            const auto found = topics.find(partition.topic_id());
                            if (found == topics.end() || found->second.partitions != partition.partition_id())
                                wrong = "a partition without its topic or the partition before it";
                            else
                                ++found->second.partitions;
                        },
                        [&](kwire::config_record::view config) { wrong = take(config); },
                        [&](kwire::remove_topic_record::view removed) {
                            const auto found = topics.find(removed.topic_id());
                            if (found == topics.end()) return;
                            ids.erase(found->second.name);
                            topics.erase(found);
                            ++obsolete;
                        },
                        [](const kwire::stored_message<kwire::cluster_metadata>&) {},
                    });
        if (!done) return kwire::to_string(done.error());
        return wrong.empty() ? std::nullopt : std::optional(wrong);
    }

    recorded_topics topics;
    std::uint64_t obsolete = 0; ///< changes that the file need not have any more

private:
    std::string take(const kwire::config_record::view& config) {
        const auto id = ids.find(config.resource_name());
        if (config.resource_type() != topic_resource || id == ids.end()) return "a setting without its topic";
        topic_config& changed = topics[id->second].config;
        if (changed.own().contains(config.name())) ++obsolete;
        const auto value = config.value();
        if (!value) {
            changed.reset(config.name());
            return {};
        }
        const auto done = changed.set(config.name(), *value);
        return done ? std::string() : done.error();
    }

    std::map<std::string, kwire::uuid, std::less<>> ids;
};

/// Replays whole, valid batches; returns the bytes of these, or what is wrong with a record in one.
kwire::expected<std::size_t, std::string> replay_all(std::span<const std::byte> bytes, replay& state) {
    std::size_t at = 0;
    while (at < bytes.size()) {
        const auto batch = kwire::batch_at(bytes.subspan(at));
        if (!batch) break;
        const auto records = kwire::records(*batch);
        if (!records) break;
        for (const auto& record : *records) {
            if (!record) return kwire::unexpected(kwire::to_string(record.error()));
            if (auto wrong = state.take(*record)) return kwire::unexpected(*std::move(wrong));
        }
        at += bytes_of(*batch).size();
    }
    return at;
}

template <class Record>
void put(std::vector<kwire::shared_buffer>& out, const typename Record::data& record) {
    // Fails only for texts longer than any that is accepted here.
    out.push_back(kwire::encode_metadata_value<Record>(record, 0).value());
}

void put_partitions(std::vector<kwire::shared_buffer>& out, const kwire::uuid& id, std::int32_t from,
                    std::int32_t to) {
    for (std::int32_t i = from; i < to; ++i)
        put<kwire::partition_record>(out, {.partition_id = i,
                                           .topic_id = id,
                                           .replicas = {node_id},
                                           .isr = {node_id},
                                           .leader = node_id,
                                           .leader_epoch = leader_epoch,
                                           .partition_epoch = 0});
}

} // namespace

topic_journal::topic_journal(topic_journal&& other) noexcept
    : path_(std::move(other.path_)),
      file_(std::exchange(other.file_, -1)),
      size_(other.size_),
      size_when_written_(other.size_when_written_),
      next_offset_(other.next_offset_),
      syncs_(other.syncs_) {}

topic_journal& topic_journal::operator=(topic_journal&& other) noexcept {
    path_ = std::move(other.path_);
    std::swap(file_, other.file_);
    size_ = other.size_;
    size_when_written_ = other.size_when_written_;
    next_offset_ = other.next_offset_;
    syncs_ = other.syncs_;
    return *this;
}

topic_journal::~topic_journal() {
    if (file_ >= 0) ::close(file_);
}

kwire::expected<topic_journal::opened, std::string> topic_journal::open(std::string path) {
    topic_journal journal(path, ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_APPEND, 0644));
    if (journal.file_ < 0) return kwire::unexpected(failure(path));
    const auto bytes = read_all(journal.file_, path);
    if (!bytes) return kwire::unexpected(bytes.error());
    replay state;
    const auto sound = replay_all(*bytes, state);
    if (!sound) return kwire::unexpected(path + ": " + sound.error());
    if (*sound != bytes->size()) {
        std::fprintf(stderr, "echo_broker: %s: cut off %zu bytes that are not a whole change\n", path.c_str(),
                     bytes->size() - *sound);
        if (::ftruncate(journal.file_, static_cast<off_t>(*sound)) != 0)
            return kwire::unexpected(failure(path));
    }
    journal.size_ = journal.size_when_written_ = static_cast<std::int64_t>(*sound);
    if (state.obsolete == 0) return opened{std::move(journal), std::move(state.topics)};
    auto fresh = write(path, state.topics);
    if (!fresh) return kwire::unexpected(fresh.error());
    return opened{*std::move(fresh), std::move(state.topics)};
}

/// A new file with what holds takes the place of the old one.
kwire::expected<topic_journal, std::string> topic_journal::write(const std::string& path,
                                                                 const recorded_topics& topics) {
    const std::string fresh_path = path + ".new";
    topic_journal fresh(
        path, ::open(fresh_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_APPEND, 0644));
    if (fresh.file_ < 0) return kwire::unexpected(failure(fresh_path));
    fresh.syncs_ = false;
    for (const auto& [id, topic] : topics)
        if (!fresh.created(id, topic)) return kwire::unexpected(failure(fresh_path));
    fresh.syncs_ = true;
    if (::fdatasync(fresh.file_) != 0 || ::rename(fresh_path.c_str(), path.c_str()) != 0)
        return kwire::unexpected(failure(fresh_path));
    sync_directory(std::filesystem::path(path).parent_path());
    fresh.size_when_written_ = fresh.size_;
    return fresh;
}

void topic_journal::rewrite(const recorded_topics& topics) {
    auto fresh = write(path_, topics);
    if (fresh) {
        *this = *std::move(fresh);
    } else {
        size_when_written_ = size_; // not at each change
        std::fprintf(stderr, "echo_broker: the file of topics cannot become smaller: %s\n",
                     fresh.error().c_str());
    }
}

bool topic_journal::created(const kwire::uuid& id, const recorded_topic& topic) {
    std::vector<kwire::shared_buffer> values;
    put<kwire::topic_record>(values, {.name = topic.name, .topic_id = id});
    for (const auto& [name, value] : topic.config.own())
        put<kwire::config_record>(
            values,
            {.resource_type = topic_resource, .resource_name = topic.name, .name = name, .value = value});
    put_partitions(values, id, 0, topic.partitions);
    return append(values);
}

bool topic_journal::grown(const kwire::uuid& id, std::int32_t from, std::int32_t to) {
    std::vector<kwire::shared_buffer> values;
    put_partitions(values, id, from, to);
    return append(values);
}

bool topic_journal::configured(std::string_view topic, const topic_config& before,
                               const topic_config& after) {
    std::vector<kwire::shared_buffer> values;
    const auto record = [&](const std::string& name, std::optional<std::string> value) {
        put<kwire::config_record>(values, {.resource_type = topic_resource,
                                           .resource_name = std::string(topic),
                                           .name = name,
                                           .value = std::move(value)});
    };
    for (const auto& [name, value] : before.own())
        if (!after.own().contains(name)) record(name, std::nullopt);
    for (const auto& [name, value] : after.own()) {
        const auto old = before.own().find(name);
        if (old == before.own().end() || old->second != value) record(name, value);
    }
    return append(values);
}

bool topic_journal::removed(const kwire::uuid& id) {
    std::vector<kwire::shared_buffer> values;
    put<kwire::remove_topic_record>(values, {.topic_id = id});
    return append(values);
}

bool topic_journal::append(std::span<const kwire::shared_buffer> values) {
    if (values.empty()) return true;
    const std::int64_t now = milliseconds_now();
    kwire::batch_builder builder({.base_offset = next_offset_,
                                  .partition_leader_epoch = leader_epoch,
                                  .max_bytes = std::numeric_limits<std::int32_t>::max(),
                                  .expected_bytes = 512});
    for (const kwire::shared_buffer& value : values)
        if (!builder.append({.timestamp = now, .value = value.span()})) return false;
    const kwire::shared_buffer batch = std::move(builder).finish().to_bytes();
    if (!write_all(file_, batch.span()) || (syncs_ && ::fdatasync(file_) != 0)) {
        std::fprintf(stderr, "echo_broker: the file of topics: %s\n", std::strerror(errno));
        // Without this, a part of a batch would hide what follows it.
        if (::ftruncate(file_, static_cast<off_t>(size_)) != 0) std::perror("echo_broker: ftruncate");
        return false;
    }
    size_ += static_cast<std::int64_t>(batch.size());
    next_offset_ += static_cast<std::int64_t>(values.size());
    return true;
}

} // namespace echo_broker
