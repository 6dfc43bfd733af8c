// Produce: check the batches, give them their offsets where they lie, and keep them.
#include <kwire/records/check.hpp>

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "broker.hpp"

namespace echo_broker {

namespace {

constexpr std::size_t largest_batch = 1'048'588; // Kafka's max.message.bytes: 1 MiB and the first 12 bytes

/// What a leader refuses; `none` if the field is the one batch that it takes.
error_code check(const std::optional<std::span<const std::byte>>& records, std::int16_t version) {
    if (version < 3) return error_code::unsupported_for_message_format; // magic 0 and 1, as in Kafka 4
    if (!records) return error_code::invalid_record;
    const auto summary = kwire::check_batches(*records);
    if (!summary) {
        if (summary.error() == kwire::errc::unsupported_compression)
            return error_code::unsupported_compression_type;
        return summary.error() == kwire::errc::crc_mismatch ? error_code::corrupt_message
                                                            : error_code::invalid_record;
    }
    if (summary->batches == 0) return error_code::invalid_record;
    if (summary->lowest_magic < 2) return error_code::unsupported_for_message_format;
    if (summary->batches != 1) return error_code::invalid_record;

    const kwire::batch_view batch = *kwire::batch_at(*records);
    if (bytes_of(batch).size() > largest_batch) return error_code::message_too_large;
    if (batch.compression() == kwire::compression_type::zstd && version < 7)
        return error_code::unsupported_compression_type; // KIP-110
    if (batch.timestamp_type() == kwire::timestamp_type::log_append_time)
        return error_code::invalid_timestamp;
    if (batch.is_transactional()) return error_code::invalid_txn_state; // there are no transactions here
    const kwire::batch_header& header = *batch.header();
    const bool offsets_are_dense = header.record_count > 0 && header.base_offset == 0 &&
                                   header.last_offset_delta == header.record_count - 1;
    const bool is_sequenced = header.producer_id < 0 || header.base_sequence >= 0;
    return batch.is_control() || !offsets_are_dense || !is_sequenced ? error_code::invalid_record
                                                                     : error_code::none;
}

/// The frame's memory to write to. Nobody else has it yet, so this copies nothing.
kwire::unique_buffer own(kwire::request_frame request) {
    auto owned = std::move(request).body().try_into_unique();
    if (owned) return *std::move(owned);
    kwire::unique_buffer copy; // counted, and so seen in the totals
    copy.append(owned.error());
    return copy;
}

/// The same bytes as `part`, which lies in `buffer`, to write to.
std::span<std::byte> writable(kwire::unique_buffer& buffer, std::span<const std::byte> part) {
    return buffer.span().subspan(static_cast<std::size_t>(part.data() - buffer.data()), part.size());
}

struct stamped {
    partition_log* log;
    std::span<const std::byte> batch;
};

} // namespace

reply broker::produce(kwire::request_frame request) {
    const std::int16_t version = request.api_version();
    const std::int32_t correlation_id = request.correlation_id();
    kwire::unique_buffer body = own(std::move(request));
    const auto view = kwire::parse_view<kwire::produce_request>(std::as_const(body).span(), version,
                                                                {.trailing_bytes = true});
    if (!view) return hang_up(view.error());
    const bool acks_are_valid = view->acks() >= -1 && view->acks() <= 1;

    bool refused_any = false;
    std::vector<stamped> accepted;
    kwire::produce_response::data answer;
    for (auto topic_data : view->topic_data()) {
        topic* const topic =
            version >= 13 ? topics_.find(topic_data.topic_id()) : topics_.find(topic_data.name());
        auto& out = answer.responses.emplace_back();
        out.name = topic_data.name();
        out.topic_id = topic_data.topic_id();
        for (auto partition : topic_data.partition_data()) {
            partition_log* const log = topic != nullptr ? topic->partition(partition.index()) : nullptr;
            error_code refusal = check(partition.records(), version);
            if (!acks_are_valid)
                refusal = error_code::invalid_required_acks;
            else if (log == nullptr)
                refusal = version >= 13 && topic == nullptr ? error_code::unknown_topic_id
                                                            : error_code::unknown_topic_or_partition;

            auto& result = out.partition_responses.emplace_back();
            result.index = partition.index();
            result.error_code = std::to_underlying(refusal);
            result.base_offset = -1;
            if (refusal != error_code::none) {
                refused_any = true;
                continue;
            }
            const auto batch = *kwire::mutable_batch_at(writable(body, *partition.records()));
            result.base_offset = log->stamp(batch);
            result.log_start_offset = log->start_offset();
            accepted.push_back({log, bytes_of(batch)});
        }
    }

    // From here on the bytes are read only, by everyone who holds a slice of them.
    const kwire::shared_buffer frozen = std::move(body).freeze();
    for (const stamped& one : accepted) {
        one.log->append(*frozen.slice_of(one.batch));
        ++totals_.batches;
        totals_.bytes_in += one.batch.size();
    }

    if (view->acks() != 0) return write<kwire::produce_response>(answer, version, correlation_id);
    if (refused_any) return std::unexpected("records without acknowledgement were refused");
    return kwire::buffer_chain{};
}

} // namespace echo_broker
