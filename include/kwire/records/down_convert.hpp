/// Converts batches of magic 2 to message sets of magic 1 or 0, for consumers that do not know newer formats.
///
///     kwire::codec_set codecs(gzip, snappy, lz4);
///     auto old = kwire::down_convert(fetched, {.magic = 0, .first_offset = fetch_offset}, codecs);
///     if (!old) return unsupported(old.error());          // a zstd batch, or a defect
///
/// As a Kafka broker does for Fetch before version 4: versions 0 and 1 know magic 0, versions 2 and 3 magic
/// 1. Offsets are kept, and timestamps in magic 1; headers, producers and transactions are lost, and control
/// batches are dropped. KIP-98, KIP-110.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/buffer/detail/buffer_access.hpp>
#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/compression/codec.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/builder.hpp>
#include <kwire/records/detail/batch_picker.hpp>
#include <kwire/records/legacy_builder.hpp>
#include <kwire/records/read.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

namespace kwire {

/// The target format and the limits of a conversion.
struct down_conversion {
    std::int8_t magic = 1; ///< 0 or 1; batches of this magic or a lower one are not converted
    /// The offset from which the consumer fetches: earlier records of batches that are converted and not
    /// compressed are left out.
    std::int64_t first_offset = std::numeric_limits<std::int64_t>::min();
    /// The compression for zstd batches, `none` for none; if not set, zstd batches are an error, as in Kafka.
    std::optional<compression_type> instead_of_zstd{};
    std::size_t cap = std::size_t{64}
                      << 20; ///< largest size in bytes of the decompressed records of one batch
    /// The largest size in bytes of all converted messages together, before compression: a small field can
    /// hold many batches that become large.
    std::size_t max_bytes = std::size_t{256} << 20;
};

/// What down_convert made.
struct down_convert_result {
    buffer_chain records; ///< the converted field; batches that were not converted are in it by reference
    std::uint32_t converted_batches = 0; ///< batches of a newer format of which at least one record was kept
    std::uint32_t dropped_batches = 0;   ///< control batches
    std::uint64_t records_with_headers = 0; ///< records that lost their headers
};

namespace detail {

/// Converts batch by batch. Uncompressed records of successive batches share one set if their offsets go on
/// rising: those of old clients may overlap, which Kafka converts too.
class down_converter {
public:
    down_converter(const shared_buffer& from, const down_conversion& to, const codec_set& codecs) noexcept
        : to_(to), codecs_(codecs), from_(from), left_(to.max_bytes) {}

    [[nodiscard]] expected<void, error> convert(const batch_view& batch) {
        if (batch.is_control()) {
            ++done_.dropped_batches;
            return {};
        }
        if (batch.magic() <= to_.magic) {
            flush();
            const auto bytes = bytes_of(batch);
            const auto at = static_cast<std::size_t>(bytes.data() - from_.data());
            done_.records.put_bytes(buffer_access::slice(from_, at, bytes.size()));
            return {};
        }
        compression_type type = batch.compression();
        if (type == compression_type::zstd) {
            if (!to_.instead_of_zstd) return refused_compression(batch);
            type = *to_.instead_of_zstd;
        }
        codec* const codec = codecs_.find(type);
        if (type != compression_type::none && codec == nullptr) return refused_compression(batch);

        // A converted batch gets a new checksum, so the old one must match: damage must not become
        // undetectable.
        const auto records = kwire::records(batch, codecs_, to_.cap, crc_policy::verify);
        if (!records) return unexpected{records.error()};
        const std::optional<std::int64_t> append_time =
            batch.timestamp_type() == timestamp_type::log_append_time ? std::optional(batch.max_timestamp())
                                                                      : std::nullopt;
        const std::size_t expected =
            bytes_of(*records).size() + static_cast<std::size_t>(records->count()) * most_growth;
        if (type == compression_type::none) {
            if (plain_ && first_kept(*records, batch) < plain_->next_offset()) flush();
            return convert_records(*records, batch, plain_set(append_time, expected));
        }
        flush();
        legacy_builder wrapped(options(append_time, expected));
        if (auto done = convert_records(*records, batch, wrapped); !done) return done;
        left_ -= wrapped.size();
        auto wrapper = std::move(wrapped).finish(*codec);
        if (!wrapper) return unexpected{wrapper.error()};
        done_.records.put_bytes(*std::move(wrapper));
        return {};
    }

    [[nodiscard]] down_convert_result finish() && {
        flush();
        return std::move(done_);
    }

private:
    /// How many bytes more a message of magic 1 takes than a record of magic 2 with the same content, at
    /// most.
    static constexpr std::size_t most_growth = 34 - 7;

    [[nodiscard]] legacy_options options(std::optional<std::int64_t> append_time,
                                         std::size_t expected) const noexcept {
        return {.magic = to_.magic,
                .base_offset = std::numeric_limits<std::int64_t>::min(),
                .append_time = to_.magic == 0 ? std::nullopt : append_time,
                .max_bytes = left_,
                .expected_bytes = std::min(expected, left_)};
    }
    /// The current uncompressed set, or a new one if it cannot be continued.
    [[nodiscard]] legacy_builder& plain_set(std::optional<std::int64_t> append_time, std::size_t expected) {
        if (plain_time_ != append_time && to_.magic != 0) flush();
        if (plain_) return *plain_;
        plain_time_ = append_time;
        return plain_.emplace(options(append_time, expected));
    }
    void flush() {
        if (!plain_) return;
        legacy_builder done = std::move(*plain_);
        plain_.reset();
        left_ -= done.size();
        done_.records.put_bytes(std::move(done).finish());
    }

    [[nodiscard]] bool is_skipped(std::int64_t offset, const batch_view& batch) const noexcept {
        return batch.compression() == compression_type::none && offset < to_.first_offset;
    }
    /// The offset of the first record to convert; the highest possible if there is none.
    [[nodiscard]] std::int64_t first_kept(const batch_records& records,
                                          const batch_view& batch) const noexcept {
        for (const auto record : records)
            if (record && !is_skipped(record->offset(), batch)) return record->offset();
        return std::numeric_limits<std::int64_t>::max();
    }
    [[nodiscard]] expected<void, error> convert_records(const batch_records& records, const batch_view& batch,
                                                        legacy_builder& out) {
        bool any = false;
        std::int64_t index = 0;
        for (auto i = records.begin(); i != records.end(); ++i, ++index) {
            const auto record = *i;
            if (!record) return unexpected{record.error()};
            if (is_skipped(record->offset(), batch)) continue;
            if (auto done = out.append({.offset = record->offset(),
                                        .timestamp = record->timestamp(),
                                        .key = record->key(),
                                        .value = record->value()});
                !done) {
                done.error().enter({"records", index});
                return done;
            }
            any = true;
            if (!record->headers().empty()) ++done_.records_with_headers;
        }
        if (any) ++done_.converted_batches;
        return {};
    }

    [[nodiscard]] static unexpected<error> refused_compression(const batch_view& batch) noexcept {
        error e{.code = errc::unsupported_compression,
                .offset = batch.is_legacy() ? offsetof(message_prefix, attributes)
                                            : offsetof(batch_header, attributes)};
        e.enter({"attributes"});
        return unexpected{e};
    }

    const down_conversion& to_;
    const codec_set& codecs_;
    const shared_buffer& from_;
    down_convert_result done_;
    std::size_t left_;                    ///< of to_.max_bytes
    std::optional<legacy_builder> plain_; ///< messages that are not yet in done_
    std::optional<std::int64_t> plain_time_;
};

} // namespace detail

/// The batches of `records`, a records field, with those of a newer format converted to `to.magic`.
///
/// Batches keep their compression; `codecs` decompresses and compresses them. Batches that need no conversion
/// are in the result by reference and are not checked. Control batches, headers of records and a last batch
/// that is cut short are dropped. Aborts if `to.magic` is neither 0 nor 1.
///
/// Errors have a path such as `batches[2]`; offsets count from the first byte of that batch or, if the path
/// continues with `decompressed`, of its decompressed records. Codes: crc_mismatch; unsupported_compression
/// for zstd, or for a type without a codec; bad_value if the offsets of a batch do not rise, or are negative
/// in a wrapper of magic 1; too_large above max_bytes, or above 2 GiB for one set; unknown_magic and
/// bad_batch_length; those of records(), batch_records::defect and codec::compress.
[[nodiscard]] inline expected<down_convert_result, error>
down_convert(const shared_buffer& records, const down_conversion& to, const codec_set& codecs) {
    detail::require(to.magic == 0 || to.magic == 1);
    detail::down_converter converter(records, to, codecs);
    std::uint32_t index = 0;
    for (const auto batch : record_batches(records.span())) {
        if (!batch) {
            error e = batch.error();
            e.offset -= batch.offset();
            return detail::in_batch(e, index);
        }
        if (const auto done = converter.convert(*batch); !done) return detail::in_batch(done.error(), index);
        ++index;
    }
    return std::move(converter).finish();
}

} // namespace kwire
