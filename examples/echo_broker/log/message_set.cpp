#include "echo_broker/log/message_set.hpp"

#include <kwire/error_text.hpp>
#include <kwire/records/check_content.hpp>
#include <kwire/records/crc.hpp>
#include <kwire/records/edit.hpp>
#include <kwire/records/legacy_builder.hpp>
#include <kwire/records/patch.hpp>
#include <kwire/records/read.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace echo_broker {

using kwire::error_code;

namespace {

using placed = kwire::expected<std::vector<placed_message>, refused_records>;
using editable_request = kwire::editable<kwire::produce_request>;

kwire::unexpected<refused_records> refuse_messages(error_code code, std::string why) {
    return kwire::unexpected(refused_records{code, std::move(why)});
}

kwire::unexpected<refused_records> refuse_messages(const kwire::error& why) {
    const error_code code = kwire::produce_error(why);
    // zstd, which these formats do not have, or a wrapper in a wrapper; the other code is for newer producers
    const bool compression = code == error_code::unsupported_compression_type;
    return refuse_messages(compression ? error_code::invalid_record : code, kwire::to_string(why));
}

kwire::unexpected<refused_records> refuse_timestamp() {
    return refuse_messages(error_code::invalid_timestamp, "a timestamp is too far ahead");
}

/// The messages in a wrapper, which can all be read.
struct opened_wrapper {
    kwire::batch_records records;
    std::int64_t count = 0;
    std::int64_t max_timestamp = -1;
    bool counts_from_0 = true; ///< whether the offsets are 0, 1, 2, ..., as magic 1 requires
};

/// Opens a wrapper whose own checksum matches. The offsets of the messages may be any: many old producers
/// leave them 0.
kwire::expected<opened_wrapper, refused_records> open(const kwire::batch_view& wrapper,
                                                      const codecs& codecs) {
    auto records = kwire::records(wrapper, codecs.all, codecs::most_bytes, kwire::crc_policy::skip);
    if (!records) return refuse_messages(records.error());
    opened_wrapper opened{*std::move(records)};
    if (opened.records.cut_bytes() != 0)
        return refuse_messages(error_code::invalid_record, "the last message in the wrapper is cut short");
    for (const auto message : kwire::record_batches(bytes_of(opened.records))) {
        if (message->magic() != wrapper.magic())
            return refuse_messages(error_code::invalid_record,
                                   "a message has another magic than its wrapper");
        if (!kwire::crc_matches(*message))
            return refuse_messages(error_code::corrupt_message,
                                   "the checksum of a message in the wrapper is wrong");
        opened.counts_from_0 &= message->base_offset() == opened.count;
        opened.max_timestamp = std::max(opened.max_timestamp, message->max_timestamp());
        ++opened.count;
    }
    if (const auto defect = opened.records.defect()) return refuse_messages(*defect);
    return opened;
}

/// The same messages in a new wrapper, with the offsets from `with.base_offset` on.
kwire::expected<kwire::shared_buffer, refused_records> rebuild(const kwire::batch_view& wrapper,
                                                               const kwire::batch_records& records,
                                                               const kwire::append_stamp& with,
                                                               std::size_t largest, const codecs& codecs) {
    const std::size_t size = bytes_of(records).size();
    kwire::legacy_builder builder({.magic = wrapper.magic(),
                                   .base_offset = with.base_offset,
                                   .append_time = with.append_time,
                                   .max_bytes = size + largest,
                                   .expected_bytes = size});
    for (const auto record : records) {
        const auto done = builder.append(
            {.timestamp = record->timestamp(), .key = record->key(), .value = record->value()});
        if (!done) return refuse_messages(done.error());
    }
    auto made = std::move(builder).finish(*codecs.all.find(wrapper.compression()));
    if (!made) return refuse_messages(error_code::message_too_large, kwire::to_string(made.error()));
    if (made->size() > largest)
        return refuse_messages(error_code::message_too_large,
                               "the wrapper is too large once it has its offsets");
    return *std::move(made);
}

placed place_wrapper(editable_request& request, const kwire::batch_view& wrapper,
                     const kwire::append_stamp& with, std::size_t largest, const codecs& codecs) {
    const auto opened = open(wrapper, codecs);
    if (!opened) return kwire::unexpected(opened.error());
    if (!with.append_time && opened->max_timestamp > newest_timestamp()) return refuse_timestamp();
    std::vector<placed_message> out(1, {.first_offset = with.base_offset, .batch = wrapper, .rebuilt = {}});
    if (wrapper.magic() == 0 || !opened->counts_from_0) {
        auto made = rebuild(wrapper, opened->records, with, largest, codecs);
        if (!made) return kwire::unexpected(made.error());
        out[0].rebuilt = *std::move(made);
        out[0].batch = *kwire::batch_at(out[0].rebuilt.span());
        return out;
    }
    using enum kwire::timestamp_type;
    const auto done = kwire::apply(request, wrapper,
                                   {.base_offset = with.base_offset + opened->count - 1,
                                    .timestamp_type = with.append_time ? log_append_time : create_time,
                                    .max_timestamp = with.append_time.value_or(opened->max_timestamp)});
    if (!done) return refuse_messages(error_code::unknown_server_error, kwire::to_string(done.error()));
    return out;
}

placed place_messages(editable_request& request, std::span<const std::byte> records,
                      const kwire::append_stamp& with) {
    std::vector<placed_message> out;
    for (const auto message : kwire::record_batches(records)) {
        const auto first_offset = with.base_offset + static_cast<std::int64_t>(out.size());
        out.push_back({.first_offset = first_offset, .batch = *message, .rebuilt = {}});
        if (message->timestamp_type() != kwire::timestamp_type::log_append_time) continue;
        if (const auto done =
                kwire::apply(request, *message, {.timestamp_type = kwire::timestamp_type::create_time});
            !done)
            return refuse_messages(error_code::unknown_server_error, kwire::to_string(done.error()));
    }
    if (const auto done = kwire::stamp(request, records, with); !done)
        return refuse_messages(error_code::unknown_server_error, kwire::to_string(done.error()));
    return out;
}

} // namespace

bool may_be_message_set(std::span<const std::byte> records) noexcept {
    const auto first = kwire::batch_at(records);
    return first ? first->is_legacy() : first.error().code == kwire::errc::truncated;
}

placed place_message_set(editable_request& request, std::span<const std::byte> records,
                         const kwire::append_stamp& with, std::size_t largest, const codecs& codecs) {
    const auto tail = kwire::record_batches(records).tail();
    if (tail.defect) return refuse_messages(*tail.defect);
    records = records.first(tail.offset);
    const auto summary = kwire::check_batches(records);
    if (!summary) return refuse_messages(summary.error());
    for (const auto batch : kwire::record_batches(records)) {
        if (batch->magic() != summary->lowest_magic)
            return refuse_messages(error_code::invalid_record, "messages of several formats");
        if (bytes_of(*batch).size() > largest)
            return refuse_messages(error_code::message_too_large,
                                   "a message is larger than " + std::to_string(largest) + " bytes");
        if (batch->timestamp_type() == kwire::timestamp_type::log_append_time &&
            (with.append_time || batch->max_timestamp() < 0))
            return refuse_messages(error_code::invalid_timestamp, "append time without a time");
    }
    if (summary->any_compressed) {
        if (summary->batches != 1)
            return refuse_messages(error_code::invalid_record,
                                   "there must be nothing beside a compressed wrapper");
        return place_wrapper(request, summary->first, with, largest, codecs);
    }
    const auto content = kwire::check_batches(records, codecs.all, codecs::most_bytes);
    if (!content) return refuse_messages(content.error());
    if (!with.append_time && content->max_timestamp > newest_timestamp()) return refuse_timestamp();
    return place_messages(request, records, with);
}

} // namespace echo_broker
