/// The records of an uncompressed batch, read in place: each record when a loop reaches it; keys and values
/// are slices.
///
///     auto records = kwire::records(batch);
///     for (auto record : records) consume(record.offset(), record.key(), record.value());
///     if (auto defect = records.defect()) return refuse(*defect);
///     // records[3].headers[1].value: truncated at byte 412, needs 70 bytes, 9 left
///
/// Rules of magic 2: KIP-98 for the layout, KIP-82 for headers, KIP-32 for timestamps; of magic 0 and 1 the
/// guide to Kafka's protocol.
///
/// Kafka accepts a few defects that are errors here, so that no two readers disagree about them: a length of
/// key, value or header value below -1 (null for Kafka), bytes after the header although the record count is
/// 0, and bytes after the value of a message of magic 0 or 1.
#pragma once

#include <kwire/detail/config.hpp>
#include <kwire/error.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/check.hpp>
#include <kwire/records/detail/expected_records.hpp>
#include <kwire/records/detail/parse_record.hpp>
#include <kwire/records/detail/record_iterator.hpp>
#include <kwire/records/record.hpp>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <iterator>
#include <optional>

namespace kwire {

/// The records of one uncompressed batch, as a forward range that checks each record when a loop reaches it.
///
/// A loop ends before the first defective record, just as it ends after the last one: ask defect() which it
/// was, or call check_records first. Each record is checked completely, headers included, so that no accessor
/// of a record_view can fail. A compressed batch has no records here and the defect unsupported_compression.
/// Never allocates; valid while the bytes of the batch are.
class record_range {
public:
    using iterator = detail::record_iterator<false>;
    using const_iterator = iterator;

    KWIRE_ALWAYS_INLINE explicit record_range(batch_view batch) noexcept : batch_(batch) {}

    [[nodiscard]] KWIRE_ALWAYS_INLINE iterator begin() const noexcept {
        return detail::record_iterator_access::begin(batch_);
    }
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

    /// Why a loop ends before the end of the batch; nullopt if all records are valid. Reads all records.
    ///
    /// Offsets count from the first byte of the batch; paths look like `records[3].headers[1].value`. Of the
    /// batch: unsupported_compression, bad_length (a negative count), count_exceeds_input, trailing_bytes. Of
    /// a record: truncated, bad_varint, bad_length, null_not_allowed (a header's name), count_exceeds_input
    /// (headers), bad_record (its length does not match its content).
    [[nodiscard]] std::optional<error> defect() const noexcept {
        auto i = begin();
        while (i != end()) ++i;
        return defect(i);
    }
    /// The same, without reading the records again. Precondition: `at_end` is the iterator of a loop that has
    /// reached end().
    [[nodiscard]] KWIRE_ALWAYS_INLINE std::optional<error> defect(const iterator& at_end) const noexcept {
        // cost: by value, because a loop whose iterator has its address taken keeps it in memory.
        const auto stop = detail::record_iterator_access::stop(at_end);
        if (stop.failed == 0 && stop.at == stop.end) return std::nullopt;
        return describe_defect(stop);
    }

private:
    [[nodiscard]] KWIRE_COLD error describe_defect(detail::record_stop stop) const noexcept {
        if (const auto defect = detail::find_records_defect(batch_)) return detail::error_of(*defect);
        const auto bytes = bytes_of(batch_);
        if (stop.failed == 0)
            return {.code = errc::trailing_bytes,
                    .offset = static_cast<std::uint64_t>(stop.at - bytes.data())};
        detail::described_refusal refuse{.origin = bytes.data()};
        detail::parsed_record ignored;
        std::uint64_t index = 0;
        if (const auto* header = batch_.header()) {
            index = static_cast<std::uint64_t>(header->record_count.value()) - stop.failed;
            (void)detail::read_record(stop.at, stop.end, ignored, refuse);
        } else {
            (void)detail::read_message(bytes, batch_.magic(), ignored, refuse);
        }
        refuse.e.enter({"records", static_cast<std::int64_t>(index)});
        return refuse.e;
    }

    batch_view batch_;
};

/// The records of `batch`; see record_range. In magic 0 and 1 the message itself is the one record.
[[nodiscard]] KWIRE_ALWAYS_INLINE record_range records(batch_view batch) noexcept {
    return record_range(batch);
}

/// The same, after the checksum was compared: crc_mismatch if it does not match, unless `policy` is skip.
[[nodiscard]] inline expected_records<record_range> records(batch_view batch, crc_policy policy) noexcept {
    if (policy != crc_policy::skip && !crc_matches(batch))
        return std::unexpected{detail::error_of(detail::crc_defect(batch))};
    return record_range(batch);
}

/// Checks a batch and all of its records, and returns how many there are.
///
/// A loop over records(batch) then reaches every record. Errors: those of check_batches for one batch, and
/// those of record_range::defect. Offsets count from the first byte of the batch.
[[nodiscard]] inline std::expected<std::uint32_t, error>
check_records(batch_view batch, crc_policy policy = crc_policy::verify) noexcept {
    if (const auto defect = detail::find_defect(batch, policy != crc_policy::skip))
        return std::unexpected{detail::error_of(*defect)};
    const record_range range(batch);
    auto i = range.begin();
    std::uint32_t count = 0;
    for (; i != range.end(); ++i) ++count;
    if (const auto defect = range.defect(i)) return std::unexpected{*defect};
    return count;
}

} // namespace kwire
