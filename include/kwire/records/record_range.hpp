/// The records of an uncompressed batch, read in place: each record when a loop reaches it; keys and values
/// are slices.
///
///     auto records = kwire::records(batch);              // compares the checksum
///     if (!records) return refuse(records.error());
///     for (auto record : *records) {
///         if (!record) return refuse(record.error());
///         consume(record->offset(), record->key(), record->value());
///     }
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
#include <kwire/expected.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/check.hpp>
#include <kwire/records/detail/expected_records.hpp>
#include <kwire/records/detail/parse_record.hpp>
#include <kwire/records/detail/record_iterator.hpp>
#include <kwire/records/record.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>

namespace kwire {

/// The records of one uncompressed batch, as a forward range that checks each record when a loop reaches it.
/// The checksum is not compared; records() does.
///
/// An element is a record_result: the first defective record is the last element of a loop, so that it cannot
/// be taken for the end. Each record is checked completely, headers included, so that no accessor of a
/// record_view can fail. A compressed batch has no records here and the defect unsupported_compression.
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

    /// The error that a loop meets; nullopt if all records are valid. Reads all records.
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
        const std::uint64_t failed = detail::record_iterator_access::failed(at_end);
        if (failed == detail::no_defect) return std::nullopt;
        return detail::describe_defect(batch_, detail::record_iterator_access::position(at_end), failed);
    }

private:
    batch_view batch_;
};

/// The records of an uncompressed `batch`, after its checksum was compared: crc_mismatch if it does not
/// match. In magic 0 and 1 the message itself is the one record.
///
/// `policy` skip compares nothing, for bytes that were verified before; so does record_range(batch).
[[nodiscard]] inline expected_records<record_range> records(batch_view batch,
                                                            crc_policy policy = crc_policy::verify) noexcept {
    if (policy != crc_policy::skip && !crc_matches(batch))
        return unexpected{detail::error_of(detail::crc_defect(batch))};
    return record_range(batch);
}

/// Checks a batch and all of its records, and returns how many there are.
///
/// A loop over records(batch) then reaches every record. Errors: those of check_batches for one batch, and
/// those of record_range::defect. Offsets count from the first byte of the batch.
[[nodiscard]] inline expected<std::uint32_t, error>
check_records(batch_view batch, crc_policy policy = crc_policy::verify) noexcept {
    if (const auto defect = detail::find_defect(batch, policy != crc_policy::skip))
        return unexpected{detail::error_of(*defect)};
    std::uint32_t count = 0;
    for (const auto record : record_range(batch)) {
        if (!record) return unexpected{record.error()};
        ++count;
    }
    return count;
}

} // namespace kwire
