// Produce: check the batches, stamp their offsets in place, and keep them.
#include <kwire/read/edit.hpp>
#include <kwire/records/check.hpp>
#include <kwire/records/edit.hpp>

#include <expected>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "broker.hpp"

namespace echo_broker {

namespace {

constexpr std::size_t largest_batch = 1'048'588; // Kafka's max.message.bytes: 1 MiB and the first 12 bytes

/// The batch that a leader accepts for a partition, or the error code of the refusal.
std::expected<kwire::batch_view, error_code> check(const std::optional<std::span<const std::byte>>& records,
                                                   std::int16_t version) {
    const auto refuse = [](error_code code) { return std::unexpected(code); };
    if (version < 3)
        return refuse(error_code::unsupported_for_message_format); // magic 0 and 1, as in Kafka 4
    if (!records) return refuse(error_code::invalid_record);
    const auto summary = kwire::check_batches(*records);
    if (!summary) {
        switch (summary.error().code) {
        case kwire::errc::unsupported_compression: return refuse(error_code::unsupported_compression_type);
        case kwire::errc::crc_mismatch: return refuse(error_code::corrupt_message);
        default: return refuse(error_code::invalid_record);
        }
    }
    if (summary->batches == 0) return refuse(error_code::invalid_record);
    if (summary->lowest_magic < 2) return refuse(error_code::unsupported_for_message_format);
    if (summary->batches != 1) return refuse(error_code::invalid_record);

    const kwire::batch_view batch = summary->first;
    if (bytes_of(batch).size() > largest_batch) return refuse(error_code::message_too_large);
    if (batch.compression() == kwire::compression_type::zstd && version < 7)
        return refuse(error_code::unsupported_compression_type); // KIP-110
    if (batch.timestamp_type() == kwire::timestamp_type::log_append_time)
        return refuse(error_code::invalid_timestamp);
    if (batch.is_transactional())
        return refuse(error_code::invalid_txn_state); // there are no transactions here
    const bool offsets_are_dense = summary->records > 0 && batch.base_offset() == 0 && !summary->any_gap;
    const bool is_sequenced = batch.producer_id() < 0 || batch.base_sequence() >= 0;
    if (batch.is_control() || !offsets_are_dense || !is_sequenced) return refuse(error_code::invalid_record);
    return batch;
}

/// An accepted batch: it has its offsets, and is added to the log once the request is frozen.
struct taken_batch {
    partition_log* log;
    kwire::batch_view batch;
};

} // namespace

reply broker::produce(kwire::request_frame frame) {
    const std::int16_t version = frame.api_version();
    auto parsed = read<kwire::produce_request>(std::move(frame));
    if (!parsed) return hang_up(parsed.error());
    // This is the only reference to the frame, so nothing is copied; a copy would be counted in the totals.
    auto request = kwire::edit(*std::move(parsed), kwire::if_shared::copy);
    if (!request) return hang_up(request.error());
    const bool acks_are_valid = request->acks() >= -1 && request->acks() <= 1;

    bool refused_any = false;
    std::vector<taken_batch> taken;
    kwire::produce_response::data answer;
    for (auto topic_data : request->topic_data()) {
        topic* const topic =
            version >= 13 ? topics_.find(topic_data.topic_id()) : topics_.find(topic_data.name());
        auto& out = answer.responses.emplace_back();
        out.name = topic_data.name();
        out.topic_id = topic_data.topic_id();
        for (auto partition : topic_data.partition_data()) {
            auto& result = out.partition_responses.emplace_back();
            result.index = partition.index();
            result.base_offset = -1;
            const auto refuse = [&](error_code why) {
                result.error_code = why;
                refused_any = true;
            };
            partition_log* const log = topic != nullptr ? topic->partition(partition.index()) : nullptr;
            const auto batch = check(partition.records(), version);
            if (!acks_are_valid) {
                refuse(error_code::invalid_required_acks);
            } else if (log == nullptr) {
                refuse(version >= 13 && topic == nullptr ? error_code::unknown_topic_id
                                                         : error_code::unknown_topic_or_partition);
            } else if (!batch) {
                refuse(batch.error());
            } else if (const auto done = kwire::stamp(
                           *request, *batch,
                           {.base_offset = log->end_offset(), .partition_leader_epoch = leader_epoch});
                       !done) {
                refuse(error_code::invalid_record);
            } else {
                result.base_offset = log->end_offset();
                result.log_start_offset = log->start_offset();
                log->advance(done->next_offset);
                taken.push_back({log, *batch});
            }
        }
    }
    const std::int16_t acks = request->acks();

    // From here on the bytes are shared and read-only: the log keeps its batches as slices of the frame.
    const auto shared = std::move(*request).freeze();
    for (const taken_batch& one : taken) {
        auto kept = shared.hold(one.batch);
        if (!kept) return std::unexpected("a batch is not part of its request");
        ++totals_.batches;
        totals_.bytes_in += bytes_of(one.batch).size();
        one.log->append(*std::move(kept));
    }

    if (acks != 0) return write(answer, version, shared.correlation_id());
    if (refused_any) return std::unexpected("records without acknowledgement were refused");
    return kwire::buffer_chain{};
}

} // namespace echo_broker
