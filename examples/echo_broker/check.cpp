#include "check.hpp"

#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/error_text.hpp>
#include <kwire/records/check_content.hpp>

#include <utility>

namespace echo_broker {

using kwire::error_code;

namespace {

constexpr std::size_t largest_batch = 1'048'588; // Kafka's max.message.bytes: 1 MiB and the first 12 bytes

std::unexpected<refused_records> refuse(error_code code, std::string why) {
    return std::unexpected(refused_records{code, std::move(why)});
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

} // namespace

std::expected<accepted_batch, refused_records> check(const std::optional<std::span<const std::byte>>& records,
                                                     std::int16_t version, const codecs& codecs) {
    if (version < 3) // magic 0 and 1, as in Kafka 4
        return refuse(error_code::unsupported_for_message_format, "Produce needs version 3 or later");
    const auto only = only_batch(records.value_or(std::span<const std::byte>()));
    if (!only) return std::unexpected(only.error());
    const kwire::batch_view batch = *only;
    if (batch.compression() == kwire::compression_type::zstd && version < 7) // KIP-110
        return refuse(error_code::unsupported_compression_type, "zstd needs version 7 or later");
    if (bytes_of(batch).size() > largest_batch)
        return refuse(error_code::message_too_large,
                      "the batch is larger than " + std::to_string(largest_batch) + " bytes");
    const auto summary = read_all(batch, codecs);
    if (!summary) return refuse(summary.error());

    if (batch.is_transactional())
        return refuse(error_code::transactional_id_authorization_failed, "this broker has no transactions");
    if (batch.is_control()) return refuse(error_code::invalid_record, "a control batch");
    if (batch.base_offset() != 0) return refuse(error_code::invalid_record, "the base offset must be 0");
    if (summary->records == 0 || summary->any_gap)
        return refuse(error_code::invalid_record, "the batch must have records without gaps");
    if (batch.producer_id() >= 0 && batch.base_sequence() < 0)
        return refuse(error_code::invalid_record, "a producer id needs a sequence number");
    const bool append_time = batch.timestamp_type() == kwire::timestamp_type::log_append_time;
    if (append_time && summary->max_timestamp < 0)
        return refuse(error_code::invalid_timestamp, "append time without a time");

    accepted_batch accepted{.batch = batch};
    if (append_time || batch.max_timestamp() != summary->max_timestamp)
        accepted.correction = {.timestamp_type = kwire::timestamp_type::create_time,
                               .max_timestamp = summary->max_timestamp};
    return accepted;
}

} // namespace echo_broker
