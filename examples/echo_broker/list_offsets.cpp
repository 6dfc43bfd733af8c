// ListOffsets: the ends of the log, and the exact record by its time.
#include <kwire/records/list_offsets.hpp>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "broker.hpp"

namespace echo_broker {

namespace {

// What may be in place of a timestamp, and the version of ListOffsets that introduced it.
constexpr std::int64_t latest = -1, earliest = -2, max_timestamp = -3;
constexpr std::int64_t earliest_local = -4, latest_tiered = -5, earliest_pending_upload = -6;
constexpr std::array<std::pair<std::int64_t, std::int16_t>, 6> since{{{latest, 1},
                                                                      {earliest, 1},
                                                                      {max_timestamp, 7},
                                                                      {earliest_local, 8},
                                                                      {latest_tiered, 9},
                                                                      {earliest_pending_upload, 11}}};

bool is_known(std::int64_t timestamp, std::int16_t version) {
    return timestamp >= 0 || std::ranges::any_of(since, [&](const auto& special) {
               return special.first == timestamp && version >= special.second;
           });
}

/// A stored batch, which was valid when it was accepted.
kwire::batch_view batch_of(const stored_batch& stored) { return *kwire::batch_at(stored.bytes.span()); }

using found_record = std::expected<std::optional<kwire::listed_offset>, kwire::error>;

/// The first record of this timestamp (ms) or later. Timestamps are the producers' and need not rise.
found_record find_time(const partition_log& log, std::int64_t timestamp, const codecs& codecs) {
    for (const stored_batch* stored : log.batches()) {
        if (stored->max_timestamp < timestamp) continue;
        const auto found =
            kwire::offset_at_time(batch_of(*stored), timestamp, codecs.all, codecs::most_bytes);
        if (!found || *found) return found;
    }
    return std::nullopt;
}

/// The first record with the largest timestamp.
found_record find_max_timestamp(const partition_log& log, const codecs& codecs) {
    const auto& batches = log.batches();
    const auto found = std::ranges::max_element(batches, {}, &stored_batch::max_timestamp);
    if (found == batches.end()) return std::nullopt;
    return kwire::offset_of_max_timestamp(batch_of(**found), codecs.all, codecs::most_bytes);
}

} // namespace

reply broker::list_offsets(const kwire::request_frame& request) {
    const auto asked = read<kwire::list_offsets_request>(request);
    if (!asked) return hang_up(asked.error());
    const std::int16_t version = request.api_version();

    kwire::list_offsets_response::data answer;
    std::set<const partition_log*> seen; // a lookup may decompress a batch: once for each partition
    for (auto asked_topic : asked->topics()) {
        topic* const topic = topics_.find(asked_topic.name());
        auto& out = answer.topics.emplace_back();
        out.name = asked_topic.name();
        for (auto partition : asked_topic.partitions()) {
            auto& result = out.partitions.emplace_back();
            result.partition_index = partition.partition_index();
            const auto* log = topic != nullptr ? topic->partition(partition.partition_index()) : nullptr;
            const std::int64_t timestamp = partition.timestamp();
            if (log == nullptr)
                result.error_code = error_code::unknown_topic_or_partition;
            else if (!seen.insert(log).second)
                result.error_code = error_code::invalid_request;
            else if (partition.current_leader_epoch() > leader_epoch)
                result.error_code = error_code::unknown_leader_epoch;
            else if (!is_known(timestamp, version))
                result.error_code = error_code::unsupported_version;
            if (result.error_code != error_code::none) continue;

            const auto set = [&](std::int64_t offset, std::int64_t time = -1) {
                result.offset = offset;
                result.timestamp = time;
                if (version >= 4) result.leader_epoch = leader_epoch;
            };
            if (timestamp == latest) {
                set(log->end_offset());
            } else if (timestamp == earliest || timestamp == earliest_local) {
                set(log->start_offset());
            } else if (timestamp == max_timestamp || timestamp >= 0) {
                const auto found =
                    timestamp >= 0 ? find_time(*log, timestamp, codecs_) : find_max_timestamp(*log, codecs_);
                if (!found)
                    result.error_code = error_code::unknown_server_error;
                else if (*found)
                    set((*found)->offset, (*found)->timestamp); // otherwise -1 and -1: no record is that late
            } // else -1 and -1: there is no tiered storage
        }
    }
    return write(answer, version, request.correlation_id());
}

} // namespace echo_broker
