/// The record that ListOffsets asks for by time, in batches of any format and compression.
///
///     auto found = kwire::offset_at_time(records, asked, codecs, 64 << 20);
///     if (found && *found) answer((*found)->offset, (*found)->timestamp, (*found)->leader_epoch);
///
/// The answer names a record, not its batch: its own offset and its own timestamp (KIP-79). Only a batch
/// whose header says that the record may be in it is decompressed.
#pragma once

#include <kwire/compression/codec.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/check.hpp>
#include <kwire/records/detail/batch_picker.hpp>
#include <kwire/records/read.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

namespace kwire::inline KWIRE_ABI {

/// What ListOffsets answers about a record.
struct listed_offset {
    /// Of the record.
    std::int64_t offset = -1;
    std::int64_t timestamp = -1; ///< ms; with log_append_time that of the batch
    /// Of its batch.
    std::int32_t leader_epoch = -1;

    friend bool operator==(const listed_offset&, const listed_offset&) = default;
};

namespace detail {

[[nodiscard]] inline listed_offset listed(const record_view& record, batch_view batch) noexcept {
    return {.offset = record.offset(),
            .timestamp = record.timestamp(),
            .leader_epoch = batch.partition_leader_epoch()};
}

} // namespace detail

/// The first record of `batch` with a timestamp of `timestamp` ms or later and an offset of `from` or higher;
/// nullopt if there is none, which the batch's max_timestamp may tell without a look at the records.
///
/// One of `codecs` decompresses a compressed batch to at most `cap` bytes. Errors: those of records() and of
/// batch_records::defect, of the records up to the one that is found. Checksums are compared unless `policy`
/// is skip.
[[nodiscard]] inline expected<std::optional<listed_offset>, error>
offset_at_time(batch_view batch, std::int64_t timestamp, const codec_set& codecs, std::size_t cap,
               std::int64_t from = std::numeric_limits<std::int64_t>::min(),
               crc_policy policy = crc_policy::verify) {
    if (batch.max_timestamp() < timestamp || batch.last_offset() < from) return std::nullopt;
    const auto opened = records(batch, codecs, cap, policy);
    if (!opened) return unexpected{opened.error()};
    const auto found = detail::find_record(
        *opened, [&](std::int64_t at, std::int64_t offset) { return at >= timestamp && offset >= from; });
    if (!found) return unexpected{found.error()};
    const auto& record = *found;
    if (!record) return std::nullopt;
    return detail::listed(*record, batch);
}

/// The first record of `batch` with the largest timestamp of the batch, which is what ListOffsets answers for
/// -3 (KIP-734); nullopt if no record has a timestamp, as in magic 0.
///
/// The records are compared, not the max_timestamp of the header, which a producer may have got wrong.
/// Parameters and errors as above.
[[nodiscard]] inline expected<std::optional<listed_offset>, error>
offset_of_max_timestamp(batch_view batch, const codec_set& codecs, std::size_t cap,
                        crc_policy policy = crc_policy::verify) {
    if (batch.magic() == 0) return std::nullopt;
    const auto opened = records(batch, codecs, cap, policy);
    if (!opened) return unexpected{opened.error()};
    std::optional<listed_offset> found;
    for (const auto record : *opened) {
        if (!record) return unexpected{record.error()};
        if (record->timestamp() > (found ? found->timestamp : -1)) found = detail::listed(*record, batch);
    }
    return found;
}

/// The first record in `bytes`, a records field, with a timestamp of `timestamp` ms or later and an offset of
/// `from` or higher; nullopt if there is none. A last batch that is cut short is not searched.
///
/// Batches whose max_timestamp is earlier are skipped by their headers. Errors have a path such as
/// `batches[2]` and the offset in that batch or, if the path continues with `decompressed`, in its
/// decompressed bytes; bad_batch_length and unknown_magic, with the offset in `bytes`, if no record was found
/// before such a place.
[[nodiscard]] inline expected<std::optional<listed_offset>, error>
offset_at_time(std::span<const std::byte> bytes, std::int64_t timestamp, const codec_set& codecs,
               std::size_t cap, std::int64_t from = std::numeric_limits<std::int64_t>::min(),
               crc_policy policy = crc_policy::verify) {
    std::uint32_t index = 0;
    for (const auto batch : record_batches(bytes)) {
        if (!batch) return detail::in_batch(batch.error(), index);
        const auto found = offset_at_time(*batch, timestamp, codecs, cap, from, policy);
        if (!found) return detail::in_batch(found.error(), index);
        if (*found) return found;
        ++index;
    }
    return std::nullopt;
}

/// The first record in `bytes`, a records field, with the largest timestamp of all; nullopt if no record has
/// a timestamp.
///
/// Of the batches only the first one with the largest max_timestamp is read. Errors as above.
[[nodiscard]] inline expected<std::optional<listed_offset>, error>
offset_of_max_timestamp(std::span<const std::byte> bytes, const codec_set& codecs, std::size_t cap,
                        crc_policy policy = crc_policy::verify) {
    std::optional<batch_view> latest;
    std::uint32_t index = 0, at = 0;
    for (const auto found : record_batches(bytes)) {
        if (!found) return detail::in_batch(found.error(), index);
        const batch_view batch = *found;
        if (batch.record_count() != 0 && batch.max_timestamp() > (latest ? latest->max_timestamp() : -1)) {
            latest = batch;
            at = index;
        }
        ++index;
    }
    if (!latest) return std::nullopt;
    const auto found = offset_of_max_timestamp(*latest, codecs, cap, policy);
    if (!found) return detail::in_batch(found.error(), at);
    return found;
}

} // namespace kwire::inline KWIRE_ABI
