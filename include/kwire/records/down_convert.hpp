/// From batches of magic 2 to message sets of magic 1 and 0, for fetchers that know nothing newer.
///
///     kwire::codec_set codecs(gzip, snappy, lz4);
///     auto old = kwire::down_convert(fetched, {.magic = 0, .first_offset = fetch_offset}, codecs);
///     if (!old) return unsupported(old.error());          // a zstd batch, or a defective one
///
/// What a Kafka broker does for Fetch before version 4: versions 0 and 1 know magic 0, versions 2 and 3 magic
/// 1. Offsets and, but in magic 0, timestamps stay; headers, producers and transactions have no place there,
/// and control batches none at all. KIP-98, KIP-110.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/buffer/detail/buffer_access.hpp>
#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/compression/codec.hpp>
#include <kwire/error.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/builder.hpp>
#include <kwire/records/legacy_builder.hpp>
#include <kwire/records/read.hpp>
#include <kwire/records/select.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <optional>
#include <utility>

namespace kwire {

/// What to convert to, and how.
struct down_conversion {
    std::int8_t magic = 1; ///< 0 or 1; batches that are as old or older stay as they are
    /// Records in front of this offset are left out where their batch is converted and was not compressed:
    /// what the fetcher asked for begins here, and messages without a batch around them are easily dropped.
    std::int64_t first_offset = std::numeric_limits<std::int64_t>::min();
    /// What zstd batches are compressed with instead, none for not at all; if not set they are refused, as
    /// Kafka does.
    std::optional<compression_type> instead_of_zstd{};
    std::size_t cap = std::size_t{64} << 20; ///< bytes that one batch may decompress to
    /// Bytes that all converted messages together may have, those of wrappers before they are compressed: a
    /// small field may hold many batches that become large.
    std::size_t max_bytes = std::size_t{256} << 20;
};

/// What down_convert has made.
struct down_convert_result {
    buffer_chain records;                   ///< what was not converted is in it by reference
    std::uint32_t converted_batches = 0;    ///< those that are kept and were newer
    std::uint32_t dropped_batches = 0;      ///< control batches
    std::uint64_t records_with_headers = 0; ///< which they have no longer
};

namespace detail {

/// Converts batch after batch; what is not compressed goes into one set for as long as it can.
class down_converter {
public:
    down_converter(const shared_buffer& from, const down_conversion& to, const codec_set& codecs) noexcept
        : to_(to), codecs_(codecs), from_(from), left_(to.max_bytes) {}

    [[nodiscard]] std::expected<void, error> convert(const batch_view& batch) {
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

        // A checksum that does not fit must not be replaced by one that does.
        const auto records = kwire::records(batch, codecs_, to_.cap, crc_policy::verify);
        if (!records) return std::unexpected{records.error()};
        const std::optional<std::int64_t> append_time =
            batch.timestamp_type() == timestamp_type::log_append_time ? std::optional(batch.max_timestamp())
                                                                      : std::nullopt;
        const std::size_t expected =
            bytes_of(*records).size() + static_cast<std::size_t>(records->count()) * most_growth;
        if (type == compression_type::none)
            return convert_records(*records, batch, plain_set(append_time, expected));
        flush();
        legacy_builder wrapped(options(append_time, expected));
        if (auto done = convert_records(*records, batch, wrapped); !done) return done;
        left_ -= wrapped.size();
        auto wrapper = std::move(wrapped).finish(*codec);
        if (!wrapper) return std::unexpected{wrapper.error()};
        done_.records.put_bytes(*std::move(wrapper));
        return {};
    }

    [[nodiscard]] down_convert_result finish() && {
        flush();
        return std::move(done_);
    }

private:
    /// What a message of magic 1 takes more than the least that a record takes, which has as much in it.
    static constexpr std::size_t most_growth = 34 - 7;

    [[nodiscard]] legacy_options options(std::optional<std::int64_t> append_time,
                                         std::size_t expected) const noexcept {
        return {.magic = to_.magic,
                .base_offset = std::numeric_limits<std::int64_t>::min(),
                .append_time = to_.magic == 0 ? std::nullopt : append_time,
                .max_bytes = left_,
                .expected_bytes = std::min(expected, left_)};
    }
    /// The set that is not compressed, begun anew where it cannot go on.
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

    [[nodiscard]] std::expected<void, error> convert_records(const batch_records& records,
                                                             const batch_view& batch, legacy_builder& out) {
        const bool skips = batch.compression() == compression_type::none;
        bool any = false;
        std::int64_t index = 0;
        auto i = records.begin();
        for (; i != records.end(); ++i, ++index) {
            const record_view record = *i;
            if (skips && record.offset() < to_.first_offset) continue;
            if (auto done = out.append({.offset = record.offset(),
                                        .timestamp = record.timestamp(),
                                        .key = record.key(),
                                        .value = record.value()});
                !done) {
                done.error().enter({"records", index});
                return done;
            }
            any = true;
            if (!record.headers().empty()) ++done_.records_with_headers;
        }
        if (const auto defect = records.defect(i)) return std::unexpected{*defect};
        if (any) ++done_.converted_batches;
        return {};
    }

    [[nodiscard]] static std::unexpected<error> refused_compression(const batch_view& batch) noexcept {
        error e{.code = errc::unsupported_compression,
                .offset = batch.is_legacy() ? offsetof(message_prefix, attributes)
                                            : offsetof(batch_header, attributes)};
        e.enter({"attributes"});
        return std::unexpected{e};
    }

    const down_conversion& to_;
    const codec_set& codecs_;
    const shared_buffer& from_;
    down_convert_result done_;
    std::size_t left_;                    ///< of to_.max_bytes
    std::optional<legacy_builder> plain_; ///< messages that are not in done_ yet
    std::optional<std::int64_t> plain_time_;
};

} // namespace detail

/// `records`, a records field, with all batches that are newer than `to.magic` converted to it.
///
/// Batches keep their compression: `codecs` has what decompresses and compresses them. Those that are old
/// enough are in the result by reference, with their checksums as they are; those that are converted must
/// have a checksum that fits, for they get new ones. Control batches are dropped, and so are headers of
/// records and what is cut short at the end. Another magic than 0 and 1 ends the program.
///
/// Errors have the path `batches[2]`, and count offsets from the first byte of that batch or, where the path
/// goes on with `decompressed`, of its decompressed records: crc_mismatch; unsupported_compression for zstd
/// or for a type without a codec; bad_value if offsets do not rise, or are negative in a wrapper of magic 1;
/// too_large above max_bytes or, of messages in one piece, above 2 GiB; unknown_magic and bad_batch_length;
/// those of records() and batch_records::defect; those of codec::compress.
[[nodiscard]] inline std::expected<down_convert_result, error>
down_convert(const shared_buffer& records, const down_conversion& to, const codec_set& codecs) {
    detail::require(to.magic == 0 || to.magic == 1);
    detail::down_converter converter(records, to, codecs);
    const auto batches = record_batches(records.span());
    auto i = batches.begin();
    std::uint32_t index = 0;
    for (; i != batches.end(); ++i, ++index)
        if (const auto done = converter.convert(*i); !done) return detail::in_batch(done.error(), index);
    if (auto tail = batches.tail(i); tail.defect) {
        tail.defect->offset -= tail.offset;
        return detail::in_batch(*tail.defect, index);
    }
    return std::move(converter).finish();
}

} // namespace kwire
