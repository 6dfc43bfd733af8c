/// Look-ups in the records of an uncompressed batch that skip from record to record by their lengths.
///
///     auto record = kwire::find_offset(batch, fetch_offset);    // the records before it are skipped
///     if (record && *record) consume((*record)->value());
///
/// Only what is needed is checked: the length of each record that is skipped and, if the look-up uses them,
/// offset or timestamp. The record that is found is checked completely. Every batch that is refused here has
/// a record_range::defect, but not vice versa.
///
/// The same look-ups for records that were decompressed: <kwire/records/read.hpp>.
#pragma once

#include <kwire/detail/config.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/detail/parse_record.hpp>
#include <kwire/records/detail/record_iterator.hpp>
#include <kwire/records/record.hpp>
#include <kwire/records/record_range.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace kwire::inline KWIRE_ABI {

namespace detail {

/// The first fields of a record, up to its offset.
struct record_front {
    const std::byte* end = nullptr; ///< the end of the record; nullptr if it is defective
    std::int64_t timestamp_delta = 0;
    std::int32_t offset_delta = 0;
};

[[nodiscard]] KWIRE_ALWAYS_INLINE const std::byte* hop(const std::byte* p, const std::byte* end) noexcept {
    silent_refusal refuse;
    std::int32_t length = 0;
    p = read_record_length(p, end, length, refuse);
    return p == nullptr ? nullptr : p + length;
}
[[nodiscard]] KWIRE_ALWAYS_INLINE record_front read_front(const std::byte* p, const std::byte* end) noexcept {
    silent_refusal refuse;
    record_front front;
    std::int32_t length = 0;
    p = read_record_length(p, end, length, refuse);
    if (p == nullptr || length == 0) [[unlikely]]
        return {};
    const std::byte* const body_end = p + length;
    p = read_short_varint(p + 1, body_end, front.timestamp_delta);
    if (p == nullptr) [[unlikely]]
        return {};
    p = read_short_varint(p, body_end, front.offset_delta);
    if (p == nullptr) [[unlikely]]
        return {};
    front.end = body_end;
    return front;
}

/// The error of a batch in which a skip failed: reading all records fails at the same place or before.
[[nodiscard]] KWIRE_COLD inline unexpected<error> hop_error(batch_view batch) noexcept {
    const auto defect = record_range(batch).defect();
    return unexpected{defect ? *defect : error{.code = errc::bad_record}};
}

/// The position after `count` records; nullptr if a length does not fit.
[[nodiscard]] KWIRE_ALWAYS_INLINE const std::byte* hop_over(std::uint64_t count, const std::byte* p,
                                                            const std::byte* end) noexcept {
    for (; count != 0; --count) {
        p = hop(p, end);
        if (p == nullptr) [[unlikely]]
            return nullptr;
    }
    return p;
}

/// The result of a search: a record, none, or a defect.
struct search_result {
    std::optional<record_view> found{};
    bool failed = false;
};

/// The first of the `left` records of magic 2 in [p, end) for which `wanted(timestamp, offset)`.
template <class Wanted>
[[nodiscard]] KWIRE_ALWAYS_INLINE search_result search_records(const record_base& base, const std::byte* p,
                                                               const std::byte* end, std::uint64_t left,
                                                               Wanted wanted,
                                                               record_leniency accepts = {}) noexcept {
    for (; left != 0; --left) {
        const record_front front = read_front(p, end);
        if (front.end == nullptr) [[unlikely]]
            return {.failed = true};
        if (wanted(base.timestamp_of(front.timestamp_delta), base.offset_of(front.offset_delta))) {
            lenient_refusal refuse(accepts);
            parsed_record record;
            if (read_record(p, end, record, refuse) == nullptr) return {.failed = true};
            return {.found = record_access::make(base, record)};
        }
        p = front.end;
    }
    return {.failed = p != end};
}

/// The first record for which `wanted(timestamp, offset)`.
template <class Wanted>
[[nodiscard]] expected<std::optional<record_view>, error> find_record(batch_view batch,
                                                                      Wanted wanted) noexcept {
    if (find_records_defect(batch)) return hop_error(batch);
    if (batch.is_legacy()) {
        const record_range range(batch);
        const auto i = range.begin();
        const auto record = *i;
        if (!record) return hop_error(batch);
        if (!wanted(record->timestamp(), record->offset())) return std::nullopt;
        return *record;
    }
    const std::byte* const p = records_bytes(batch).data();
    const std::byte* const end = p + records_bytes(batch).size();
    const auto left = static_cast<std::uint64_t>(batch.header()->record_count.value());
    const search_result result = search_records(record_base(batch), p, end, left, wanted);
    if (result.failed) return hop_error(batch);
    return result.found;
}

} // namespace detail

/// How many records there are, by counting their lengths; equal to the header's record_count. 1 in magic 0
/// and 1.
///
/// Errors, here and below: unsupported_compression for a compressed batch, otherwise those of
/// record_range::defect.
[[nodiscard]] inline expected<std::uint32_t, error> count_records(batch_view batch) noexcept {
    if (detail::find_records_defect(batch)) return detail::hop_error(batch);
    if (batch.is_legacy()) return std::uint32_t{1};
    const std::byte* const p = records_bytes(batch).data();
    const std::byte* const end = p + records_bytes(batch).size();
    const auto count = static_cast<std::uint32_t>(batch.header()->record_count.value());
    if (detail::hop_over(count, p, end) != end) return detail::hop_error(batch);
    return count;
}

/// The offset of the last record; nullopt if there is none. After compaction it may be below
/// batch.last_offset(), after which consumers continue.
[[nodiscard]] inline expected<std::optional<std::int64_t>, error>
last_record_offset(batch_view batch) noexcept {
    if (detail::find_records_defect(batch)) return detail::hop_error(batch);
    if (batch.is_legacy()) return batch.base_offset();
    const std::byte* p = records_bytes(batch).data();
    const std::byte* const end = p + records_bytes(batch).size();
    const std::byte* last = nullptr;
    for (std::int32_t left = batch.header()->record_count; left != 0; --left) {
        last = p;
        p = detail::hop(p, end);
        if (p == nullptr) [[unlikely]]
            return detail::hop_error(batch);
    }
    if (p != end) return detail::hop_error(batch);
    if (last == nullptr) return std::nullopt;
    const auto front = detail::read_front(last, end);
    if (front.end == nullptr) return detail::hop_error(batch);
    return detail::record_base(batch).offset_of(front.offset_delta);
}

/// The first record with this offset or a higher one; nullopt if there is none. Valid while the bytes of the
/// batch are.
[[nodiscard]] inline expected<std::optional<record_view>, error> find_offset(batch_view batch,
                                                                             std::int64_t offset) noexcept {
    return detail::find_record(batch, [offset](std::int64_t, std::int64_t at) { return at >= offset; });
}

/// The first record with a timestamp of `timestamp` ms or later, as ListOffsets requires; nullopt if there is
/// none. Valid while the bytes of the batch are.
[[nodiscard]] inline expected<std::optional<record_view>, error>
find_timestamp(batch_view batch, std::int64_t timestamp) noexcept {
    return detail::find_record(batch, [timestamp](std::int64_t at, std::int64_t) { return at >= timestamp; });
}

} // namespace kwire::inline KWIRE_ABI
