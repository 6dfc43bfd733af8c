#include "echo_broker/log/check.hpp"

#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/error_text.hpp>
#include <kwire/records/check_content.hpp>
#include <kwire/records/read.hpp>

#include <utility>

#include "echo_broker/clock.hpp"

namespace echo_broker {

using kwire::error_code;

namespace {

std::unexpected<refused_records> refuse(error_code code, std::string why) {
    return std::unexpected(refused_records{code, std::move(why)});
}

std::unexpected<refused_records> refuse_by_log(error_code code, std::string why) {
    return std::unexpected(refused_records{code, std::move(why), true});
}

std::unexpected<refused_records> refuse(const kwire::error& why) {
    return refuse(kwire::produce_error(why), kwire::to_string(why));
}

/// The one batch in `records`. A second one that is cut short does not count, as in Kafka.
std::expected<kwire::batch_view, refused_records> only_batch(std::span<const std::byte> records) {
    const auto first = kwire::batch_at(records);
    if (!first) return refuse(first.error());
    if (first->is_legacy()) return refuse(error_code::invalid_record, "the magic must be 2");
    const auto second = kwire::batch_at(records.subspan(bytes_of(*first).size()));
    if (second) return refuse(error_code::invalid_record, "there must be only one batch");
    if (second.error().code != kwire::errc::truncated) return refuse(second.error());
    return *first;
}

/// The summary of a batch whose records can all be read.
std::expected<kwire::batches_summary, kwire::error> read_all(const kwire::batch_view& batch,
                                                             const codecs& codecs) {
    // Address space for the largest batch, so that nothing moves; only what is decompressed becomes resident.
    kwire::unique_buffer scratch;
    if (batch.compression() != kwire::compression_type::none)
        scratch = kwire::unique_buffer::with_capacity(codecs::most_bytes);
    return kwire::check_batches(bytes_of(batch), codecs.all, codecs::most_bytes, scratch);
}

/// Refuses a batch some of whose records are newer than `newest`; all of them if it is -1.
std::unexpected<refused_records> refuse_timestamps(const kwire::batch_view& batch, std::int64_t newest,
                                                   const codecs& codecs) {
    refused_records refused{error_code::invalid_timestamp,
                            "a timestamp is too far ahead, or append time without a time", true};
    const auto records = kwire::records(batch, codecs.all, codecs::most_bytes, kwire::crc_policy::skip);
    if (!records) return refuse(records.error());
    constexpr std::size_t most_named = 100; // an answer must not become larger than its request
    std::int32_t index = 0;
    for (const auto record : *records) {
        if (refused.records.size() == most_named) break;
        if (newest == -1 || record->timestamp() > newest) refused.records.push_back(index);
        ++index;
    }
    return std::unexpected(std::move(refused));
}

} // namespace

std::int64_t newest_timestamp() {
    constexpr std::int64_t hour = 3'600'000;
    return milliseconds_now() + hour;
}

std::expected<accepted_batch, refused_records> check(const std::optional<std::span<const std::byte>>& records,
                                                     std::int16_t version, const topic_config& config,
                                                     const codecs& codecs) {
    const auto only = only_batch(records.value_or(std::span<const std::byte>()));
    if (!only) return std::unexpected(only.error());
    const kwire::batch_view batch = *only;
    if (batch.compression() == kwire::compression_type::zstd && version < 7) // KIP-110
        return refuse(error_code::unsupported_compression_type, "zstd needs version 7 or later");
    if (bytes_of(batch).size() > config.max_message_bytes)
        return refuse(error_code::message_too_large,
                      "the batch is larger than " + std::to_string(config.max_message_bytes) + " bytes");
    const auto summary = read_all(batch, codecs);
    if (!summary) {
        const error_code code = kwire::produce_error(summary.error());
        if (code == error_code::corrupt_message) return refuse(summary.error());
        return refuse_by_log(code, kwire::to_string(summary.error()));
    }

    if (batch.is_control()) return refuse_by_log(error_code::invalid_record, "a control batch");
    if (batch.base_offset() != 0)
        return refuse_by_log(error_code::invalid_record, "the base offset must be 0");
    if (summary->records == 0 || summary->any_gap)
        return refuse_by_log(error_code::invalid_record, "the batch must have records without gaps");
    if (batch.producer_id() >= 0 && batch.base_sequence() < 0)
        return refuse_by_log(error_code::invalid_record, "a producer id needs a sequence number");
    const bool append_time = batch.timestamp_type() == kwire::timestamp_type::log_append_time;
    const std::int64_t newest = newest_timestamp();
    if (append_time && (config.append_time || summary->max_timestamp < 0))
        return refuse_timestamps(batch, -1, codecs);
    if (!config.append_time && summary->max_timestamp > newest)
        return refuse_timestamps(batch, newest, codecs);

    accepted_batch accepted{.batch = batch};
    if (config.append_time) return accepted; // stamping sets both
    if (append_time || batch.max_timestamp() != summary->max_timestamp)
        accepted.correction = {.timestamp_type = kwire::timestamp_type::create_time,
                               .max_timestamp = summary->max_timestamp};
    return accepted;
}

} // namespace echo_broker
