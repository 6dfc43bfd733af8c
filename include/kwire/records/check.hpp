/// The strict check of a records field, for brokers that receive it from a producer.
///
///     auto summary = kwire::check_batches(*partition.records());
///     if (!summary) return corrupt_message(summary.error());    // "batches[0].crc: crc_mismatch at byte 17"
///     if (summary->batches != 1 || summary->any_control || summary->any_gap) return invalid_record();
#pragma once

#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/crc.hpp>
#include <kwire/records/detail/batch_defect.hpp>
#include <kwire/wire/overlay.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace kwire::inline KWIRE_ABI {

/// When checksums are compared, for which every byte is read.
///
/// check_batches reads headers; records() and check_records are the first to read records. A program passes
/// one policy to all of them. Views have no state, so nothing remembers that a batch was verified: a caller
/// that reads records twice keeps what the first call returned.
enum class crc_policy : std::uint8_t {
    verify,         ///< in every check, as a broker must for what clients send
    on_first_touch, ///< when records are read, so that batches that are skipped cost nothing
    skip,           ///< never: for bytes that were verified before or are protected in another way
};

/// What check_batches found in a records field.
struct batches_summary {
    batch_view first{};        ///< the first batch, measured and checked; shows no batch if `batches` is 0
    std::uint32_t batches = 0; ///< how many entries, those of magic 0 and 1 included
    std::uint64_t records = 0; ///< the sum of the record counts in headers of magic 2
    std::int64_t first_offset = 0; ///< base_offset of the first batch
    std::int64_t last_offset =
        -1; ///< last_offset of the last batch; below first_offset if there are no batches
    std::int64_t max_timestamp = -1; ///< the largest, in ms; -1 if there is none
    std::int8_t lowest_magic = 2;    ///< the oldest format that occurs
    /// Whether some batch of magic 2 has another number of offsets than of records. Compaction leaves such
    /// gaps, producers never do; a broker that accepted them would lose up to 2^31 offsets per batch.
    bool any_gap = false;
    /// A control batch.
    bool any_control = false;
    /// A batch that is part of a transaction.
    bool any_transactional = false;
    /// A compressed batch.
    bool any_compressed = false;
};

namespace detail {

/// The first step of the path of an error in decompressed bytes, from whose first byte its offset counts.
inline constexpr std::string_view decompressed_step = "decompressed";

/// The defect of a checksum that does not match.
[[nodiscard]] inline batch_defect crc_defect(batch_view batch) noexcept {
    return {errc::crc_mismatch, "crc",
            batch.is_legacy() ? offsetof(batch_prefix, epoch_or_crc) : offsetof(batch_header, crc)};
}

/// The first defect of a batch of the right length; its records are not read.
[[nodiscard]] inline std::optional<batch_defect> find_defect(batch_view batch, bool verify) noexcept {
    if (verify && !crc_matches(batch))
        return crc_defect(batch); // first: if it does not match, the other fields mean nothing
    return find_header_defect(batch);
}

/// Checks batch by batch; `look` is called with each batch that has no defect and the summary so far, and may
/// return one more error, whose offset counts from the first byte of the batch unless it is in decompressed
/// bytes.
template <class Look>
[[nodiscard]] expected<batches_summary, error> check_each_batch(std::span<const std::byte> bytes,
                                                                crc_policy policy, Look look) {
    batches_summary summary;
    const auto batches = record_batches(bytes);
    const auto at_batch = [&](error e, std::uint64_t before) {
        if (e.depth == 0 || e.path[0].field != decompressed_step) e.offset += before;
        e.enter({"batches", summary.batches});
        return unexpected{e};
    };
    auto i = batches.begin();
    for (; i != batches.end(); ++i) {
        const auto found = *i;
        if (!found) return at_batch(found.error(), 0);
        const batch_view batch = *found;
        const std::uint64_t before = found.offset();
        if (const auto defect = find_defect(batch, policy == crc_policy::verify))
            return at_batch(error_of(*defect), before);
        if (summary.batches == 0) {
            summary.first = batch;
            summary.first_offset = batch.base_offset();
        }
        if (const std::optional<error> refusal = look(batch)) return at_batch(*refusal, before);
        ++summary.batches;
        summary.last_offset = batch.last_offset();
        if (batch.max_timestamp() > summary.max_timestamp) summary.max_timestamp = batch.max_timestamp();
        if (batch.magic() < summary.lowest_magic) summary.lowest_magic = batch.magic();
        if (const auto* header = batch.header()) {
            summary.records += static_cast<std::uint64_t>(header->record_count.value());
            summary.any_gap |= std::int64_t{header->last_offset_delta} + 1 != header->record_count;
        }
        summary.any_control |= batch.is_control();
        summary.any_transactional |= batch.is_transactional();
        summary.any_compressed |= batch.compression() != compression_type::none;
    }
    if (const auto tail = batches.tail(i); tail.left != 0)
        if (const auto refusal = tail.refusal()) return at_batch(*refusal, 0);
    return summary;
}

} // namespace detail

/// Checks that `bytes` are whole, valid batches from the first byte to the last. Empty input is valid.
///
/// For each batch it checks length, magic, checksum (if `policy` is verify) and compression type; in magic 2
/// also that the records it counts can fit and that its offsets rise within int64. Records are not read. What
/// else Kafka requires of a producer (one batch, no control batch, base offset 0, no gap) is in the summary,
/// which is valid while `bytes` are. Errors, at the byte of the field and with a path such as
/// `batches[2].crc`: truncated, bad_batch_length, unknown_magic, crc_mismatch, unsupported_compression (also
/// zstd in magic 0 and 1), bad_length (a negative count), count_exceeds_input, bad_value (offsets).
[[nodiscard]] inline expected<batches_summary, error>
check_batches(std::span<const std::byte> bytes, crc_policy policy = crc_policy::verify) noexcept {
    return detail::check_each_batch(bytes, policy, [](batch_view) { return std::optional<error>(); });
}
/// The same for a records field that may be null: null holds no batches.
template <class Records>
    requires std::is_same_v<Records, std::optional<std::span<const std::byte>>>
[[nodiscard]] expected<batches_summary, error>
check_batches(const Records& records, crc_policy policy = crc_policy::verify) noexcept {
    return check_batches(records.value_or(std::span<const std::byte>()), policy);
}
/// Deleted for temporary owners of bytes, to which the summary would refer.
template <detail::temporary_owner Owner>
expected<batches_summary, error> check_batches(Owner&& bytes, crc_policy = crc_policy::verify) = delete;

} // namespace kwire::inline KWIRE_ABI
