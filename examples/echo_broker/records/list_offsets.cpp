// ListOffsets: the ends of the log, and the exact record by its time.
#include <kwire/messages/list_offsets.hpp>
#include <kwire/records/list_offsets.hpp>
#include <kwire/records/read.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "echo_broker/broker.hpp"
#include "echo_broker/clock.hpp"
#include "echo_broker/records/handlers.hpp"

namespace echo_broker {

namespace {

// What may be in place of a timestamp, and the version of ListOffsets that introduced it.
constexpr std::int64_t latest = -1, earliest = -2, max_timestamp = -3;
constexpr std::int64_t earliest_local = -4, latest_tiered = -5, earliest_pending_upload = -6;
constexpr std::array<std::pair<std::int64_t, std::int16_t>, 6> since{{{latest, 0},
                                                                      {earliest, 0},
                                                                      {max_timestamp, 7},
                                                                      {earliest_local, 8},
                                                                      {latest_tiered, 9},
                                                                      {earliest_pending_upload, 11}}};

bool is_known(std::int64_t timestamp, std::int16_t version) {
    return timestamp >= 0 || std::ranges::any_of(since, [&](const auto& special) {
               return special.first == timestamp && version >= special.second;
           });
}

using found_record = kwire::expected<std::optional<kwire::listed_offset>, kwire::error>;

/// The first record of this timestamp (ms) or later. Timestamps are the producers' and need not rise.
found_record find_time(const partition_log& log, std::int64_t timestamp, const codecs& codecs) {
    found_record found = std::nullopt;
    const auto search = [&](const kwire::batch_view& batch) {
        found = kwire::offset_at_time(batch, timestamp, codecs.all, codecs::most_bytes, log.start_offset());
        return found && !*found;
    };
    log.visit(log.start_offset(), search, timestamp);
    return found;
}

/// The first record with the largest timestamp among those of `batch` from `start_offset` on.
found_record newest_from(const kwire::batch_view& batch, std::int64_t start_offset, const codecs& codecs) {
    const auto opened = kwire::records(batch, codecs.all, codecs::most_bytes);
    if (!opened) return kwire::unexpected(opened.error());
    found_record newest = std::nullopt;
    for (const auto record : *opened) {
        if (!record) return kwire::unexpected(record.error());
        const std::int64_t time = *newest ? (*newest)->timestamp : -1;
        if (record->offset() >= start_offset && record->timestamp() > time)
            newest = kwire::listed_offset{.offset = record->offset(), .timestamp = record->timestamp()};
    }
    return newest;
}

/// The first record with the largest timestamp.
found_record find_max_timestamp(const partition_log& log, const codecs& codecs) {
    const std::int64_t start = log.start_offset();
    found_record found = std::nullopt;
    std::int64_t time = -1;
    std::optional<std::int64_t> offset; // of the first batch that is that late
    bool is_first = true;
    log.visit(start, [&](const kwire::batch_view& batch) {
        // DeleteRecords may have left only a part of the first batch, to which its header does not apply.
        if (std::exchange(is_first, false) && (batch.is_legacy() || batch.base_offset() < start)) {
            found = newest_from(batch, start, codecs);
            if (found && *found) time = (*found)->timestamp;
            return found.has_value();
        }
        if (batch.max_timestamp() > time) offset = batch.last_offset();
        time = std::max(time, batch.max_timestamp());
        return true;
    });
    if (!offset || !found) return found;
    log.visit(*offset, [&](const kwire::batch_view& batch) {
        found = newest_from(batch, start, codecs);
        return false;
    });
    return found;
}

/// What version 0 asks for: where the segments begin that were written until `timestamp`, from the newest to
/// the oldest, and before them the end of the log if that is now or `latest`. The log counts as one segment.
void list_segments(const partition_log& log, std::int64_t timestamp, std::int32_t most,
                   kwire::list_offsets_response::partition_response::data& result) {
    if (most < 0) {
        result.error_code = error_code::unknown_server_error; // as Kafka
        return;
    }
    const bool until_now = timestamp == latest || timestamp >= milliseconds_now();
    const bool empty = log.start_offset() == log.end_offset();
    const auto any_written_later = [&] {
        bool any = false;
        const auto note = [&any](const kwire::batch_view&) { return !(any = true); };
        log.visit(log.start_offset(), note, timestamp + 1);
        return any;
    };
    std::vector<std::int64_t> found;
    if (until_now && !empty) found.push_back(log.end_offset());
    if (until_now || timestamp == earliest || (!empty && !any_written_later()))
        found.push_back(log.start_offset());
    found.resize(std::min(found.size(), static_cast<std::size_t>(most)));
    result.old_style_offsets = kwire::scalar_list<std::int64_t>(found.begin(), found.end());
}

} // namespace

kwire::list_offsets_response::data
list_offsets(broker& here, const kwire::message<kwire::list_offsets_request>& asked, client&) {
    const std::int16_t version = asked.api_version();

    kwire::list_offsets_response::data answer;
    const bool committed_only = asked->isolation_level() == 1;
    std::set<const partition_log*> seen; // a lookup may decompress a batch: once for each partition
    for (auto asked_topic : asked->topics()) {
        topic* const topic = here.topics.find(asked_topic.name());
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
            else if (const auto epoch = check_epoch(partition.current_leader_epoch());
                     epoch != error_code::none)
                result.error_code = epoch;
            else if (!is_known(timestamp, version))
                result.error_code = error_code::unsupported_version;
            if (result.error_code != error_code::none) continue;

            const auto set = [&](std::int64_t offset, std::int64_t time = -1) {
                result.offset = offset;
                result.timestamp = time;
                if (version >= 4) result.leader_epoch = leader_epoch;
            };
            const std::int64_t end = committed_only ? log->last_stable_offset() : log->end_offset();
            try {
                if (version == 0) {
                    list_segments(*log, timestamp, partition.max_num_offsets(), result);
                } else if (timestamp == latest) {
                    set(end);
                } else if (timestamp == earliest || timestamp == earliest_local) {
                    set(log->start_offset());
                } else if (timestamp == max_timestamp || timestamp >= 0) {
                    const auto found = timestamp >= 0 ? find_time(*log, timestamp, here.codecs)
                                                      : find_max_timestamp(*log, here.codecs);
                    if (!found)
                        result.error_code = error_code::unknown_server_error;
                    else if (*found && (*found)->offset < end) // otherwise -1 and -1: no record is that late
                        set((*found)->offset, (*found)->timestamp);
                } // else -1 and -1: there is no tiered storage
            } catch (const std::system_error&) { // no descriptor is left, or no address space
                result.error_code = error_code::kafka_storage_error;
            }
        }
    }
    return answer;
}

} // namespace echo_broker
