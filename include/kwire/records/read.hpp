/// The records of a batch of any format and compression, in one kind of loop.
///
///     auto records = kwire::records(batch, codecs, 64 << 20);   // decompresses to 64 MiB at most
///     if (!records) return refuse(records.error());
///     for (auto record : *records) {
///         if (!record) return refuse(record.error());
///         consume(record->offset(), record->key(), record->value());
///     }
///     // decompressed.records[3].key: truncated at byte 412, needs 70 bytes, 9 left
///
/// Wrappers of magic 0 and 1 are read as Kafka reads them. The magic of the wrapper decides what the offsets
/// inside mean: in magic 0 they are absolute; in magic 1 they count from the first record, and the wrapper
/// has the offset of the last one (KIP-31). With log_append_time the timestamp of a wrapper of magic 1
/// applies to all messages inside (KIP-32). Some old logs hold wrappers of one of the two magics around
/// messages of the other, which is accepted; messages of magic 0 have no timestamp in any wrapper. A last
/// message that is cut short is left out (batch_records::cut_bytes); check_batches refuses it. The
/// checksums of the messages inside are not compared, because the wrapper's checksum covers them.
#pragma once

#include <kwire/buffer/held.hpp>
#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/compression/codec.hpp>
#include <kwire/detail/config.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/check.hpp>
#include <kwire/records/detail/decompress.hpp>
#include <kwire/records/detail/expected_records.hpp>
#include <kwire/records/detail/parse_record.hpp>
#include <kwire/records/detail/record_iterator.hpp>
#include <kwire/records/record.hpp>
#include <kwire/records/record_range.hpp>
#include <kwire/records/skim.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <utility>

namespace kwire::inline KWIRE_ABI {

namespace detail {

/// The messages in a wrapper: how many, the offset field of the last one, and where they end.
struct wrapped_messages {
    std::uint64_t count = 0;
    std::int64_t last_offset = 0;
    std::size_t end = 0;
};

/// Whether `bytes` are the beginning of a message that is cut short, as far as its length tells.
[[nodiscard]] inline bool begins_cut_message(std::span<const std::byte> bytes) noexcept {
    if (bytes.size() < batch_overhead) return true;
    const auto length = wire::load_be<std::int32_t>(bytes.data() + offsetof(batch_prefix, length));
    return length >= least_batch_length(0) &&
           static_cast<std::uint64_t>(length) > bytes.size() - batch_overhead;
}

/// The messages in `plain`; the last one may be cut short unless `whole`, but not the only one.
[[nodiscard]] inline expected<wrapped_messages, error> find_wrapped_messages(std::span<const std::byte> plain,
                                                                             bool whole) noexcept {
    wrapped_messages found;
    std::size_t at = 0;
    const auto refused = [&found](error e) {
        e.enter({"records", static_cast<std::int64_t>(found.count)});
        return unexpected{e};
    };
    do { // an empty wrapper is truncated before its first message
        const std::size_t left = plain.size() - at;
        if (!whole && found.count != 0 && begins_cut_message(plain.subspan(at))) break;
        const batch_extent extent = measure_batch(plain.data() + at, left);
        if (extent.size == 0) return refused(batch_error(extent, at, left));
        const auto& message = overlay_trusted<message_prefix>(plain.data() + at);
        if (message.magic == 2) return refused(batch_error({.defect = errc::unknown_magic}, at, left));
        if ((message.attributes & 7) != 0) {
            error e{.code = errc::unsupported_compression,
                    .offset = at + offsetof(message_prefix, attributes)};
            e.enter({"attributes"});
            return refused(e);
        }
        found.last_offset = message.offset;
        ++found.count;
        at += extent.size;
    } while (at != plain.size());
    found.end = at;
    return found;
}

/// What to add to the offsets inside a wrapper, modulo 2^64; see the top of this file.
///
/// bad_value, as in Kafka, for a wrapper of magic 1 whose offset is below the last one inside. If the
/// wrapper's offset is 0, as some versions of librdkafka left it, the offsets inside are absolute.
[[nodiscard]] inline expected<std::uint64_t, error> offset_of_wrapper(batch_view wrapper,
                                                                      std::int64_t last_inside) noexcept {
    const std::int64_t own = wrapper.base_offset();
    if (wrapper.magic() == 0 || own == 0) return std::uint64_t{0};
    if (own < last_inside) {
        error e{.code = errc::bad_value, .offset = 0};
        e.enter({"base_offset"});
        return unexpected{e};
    }
    return static_cast<std::uint64_t>(own) - static_cast<std::uint64_t>(last_inside);
}

struct batch_records_access;

} // namespace detail

/// What records() compares and accepts. The leniencies are for what Kafka's Java classes read (4.4.0,
/// executed) and kwire refuses by default, so that no two readers disagree about it; docs/records.md has the
/// cases.
struct record_options {
    /// Whether checksums are compared.
    crc_policy crc = crc_policy::verify;
    /// Lengths of keys, values and header values below -1 are null.
    bool negative_as_null = false;
    /// Bytes are ignored after the header of a batch of magic 2 whose record count is 0, and after the value
    /// of a message of magic 0 or 1.
    bool trailing_bytes = false;

    /// All leniencies. What a codec accepts is another matter: codec_set::read_as.
    [[nodiscard]] static constexpr record_options as_kafka(crc_policy crc = crc_policy::verify) noexcept {
        return {crc, true, true};
    }
};

/// The records of one batch, with the memory that holds them if they were decompressed.
///
/// A forward range like record_range: the first defective record is the last element of a loop, as an error
/// in place of a record; no accessor of a record can fail. Records of a compressed batch are valid while
/// this object, a copy of it or a slice of buffer() lives; those of other batches while the
/// bytes of the batch are. Copies share the memory, in O(1).
class batch_records {
public:
    using iterator = detail::record_iterator<true>;
    using value_type = record_result<true>;
    using const_iterator = iterator;

    /// The iterators refer to this object, which must outlive them and must not be moved meanwhile.
    [[nodiscard]] KWIRE_ALWAYS_INLINE iterator begin() const& noexcept KWIRE_LIFETIMEBOUND {
        return detail::record_iterator_access::begin(run_);
    }
    iterator begin() const&& = delete;
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

    /// The record count of the batch; in magic 0 and 1 the number of messages. If there is a defect(), a loop
    /// reaches fewer records, or bytes follow them.
    [[nodiscard]] std::uint64_t count() const noexcept { return run_.count; }

    /// The error that a loop meets; nullopt if all records are valid. Reads all records.
    ///
    /// The codes are those of record_range::defect for a record, and trailing_bytes. For a compressed batch
    /// the path begins with `decompressed`, and offsets count from the first decompressed byte; for others
    /// they count from the first byte of the batch.
    [[nodiscard]] std::optional<error> defect() const noexcept {
        auto i = begin();
        while (i != end()) ++i;
        return defect(i);
    }
    /// The same, without reading the records again. Precondition: `at_end` is the iterator of a loop that has
    /// reached end().
    [[nodiscard]] std::optional<error> defect(const iterator& at_end) const noexcept {
        const std::uint64_t failed = detail::record_iterator_access::failed(at_end);
        if (failed == detail::no_defect) return std::nullopt;
        return detail::describe_defect(run_, detail::record_iterator_access::position(at_end), failed);
    }

    /// The size of what follows the last whole message in a wrapper of magic 0 or 1: a message that is cut
    /// short, as old logs hold them, which Kafka leaves out too. 0 for all other batches.
    [[nodiscard]] std::uint64_t cut_bytes() const noexcept { return run_.cut; }

    /// Whether the batch was compressed: its records then lie in buffer(), and offsets of defects count from
    /// its start.
    [[nodiscard]] bool is_decompressed() const noexcept { return run_.decompressed; }
    /// The buffer that keeps the records alive: `buffer().slice_of(*record.value())` is a value that outlives
    /// the rest, in O(1). Empty for a batch that was neither compressed nor held.
    [[nodiscard]] const shared_buffer& buffer() const& noexcept KWIRE_LIFETIMEBOUND { return memory_; }
    const shared_buffer& buffer() const&& = delete;

    /// The uncompressed bytes of the records of magic 2, or of the messages. Valid while the records are.
    [[nodiscard]] friend std::span<const std::byte> bytes_of(const batch_records& records) noexcept {
        return records.run_.bytes;
    }

private:
    friend struct detail::batch_records_access;

    batch_records(const detail::record_run& run, shared_buffer memory) noexcept
        : run_(run), memory_(std::move(memory)) {}

    detail::record_run run_;
    shared_buffer memory_;
};

namespace detail {

struct batch_records_access {
    static batch_records make(const record_run& run, shared_buffer memory) noexcept {
        return {run, std::move(memory)};
    }
    [[nodiscard]] static const record_run& run(const batch_records& records) noexcept { return records.run_; }
};

/// The defect of a batch of magic 2 whose uncompressed records have too few bytes for their count.
[[nodiscard]] inline std::optional<batch_defect> find_plain_count_defect(batch_view batch,
                                                                         std::size_t left) noexcept {
    const auto needed = static_cast<std::uint64_t>(batch.header()->record_count.value()) * least_record_size;
    if (needed <= left) return std::nullopt;
    return batch_defect{errc::count_exceeds_input, "record_count", offsetof(batch_header, record_count),
                        needed, left};
}

/// Sets the members of `run` that concern messages, from the messages in `run.bytes`.
[[nodiscard]] inline expected<void, error> open_wrapper(record_run& run, batch_view wrapper,
                                                        bool whole) noexcept {
    const auto messages = find_wrapped_messages(run.bytes, whole);
    if (!messages) return unexpected{run.placed(messages.error())};
    run.count = messages->count;
    run.cut = run.bytes.size() - messages->end;
    run.bytes = run.bytes.first(messages->end);
    const auto offset = offset_of_wrapper(wrapper, messages->last_offset);
    if (!offset) return unexpected{offset.error()};
    run.base.offset = *offset;
    run.append_time = wrapper.timestamp_type() == kwire::timestamp_type::log_append_time;
    return {};
}

/// Where the records of `batch` lie. `decompress` returns the uncompressed bytes of a compressed batch, or an
/// error. `whole` refuses a wrapper whose last message is cut short.
template <class Decompress>
[[nodiscard]] expected<record_run, error> find_run(batch_view batch, const record_options& options,
                                                   bool whole, Decompress decompress) {
    if (options.crc != crc_policy::skip && !crc_matches(batch))
        return unexpected{error_of(crc_defect(batch))};
    if (const auto defect = find_compression_defect(batch)) return unexpected{error_of(*defect)};
    const bool compressed = batch.compression() != compression_type::none;
    record_run run{.base = record_base(batch),
                   .messages = batch.is_legacy(),
                   .accepts = {options.negative_as_null, options.trailing_bytes}};
    if (!batch.is_legacy()) {
        if (const auto defect = find_count_defect(batch)) return unexpected{error_of(*defect)};
        run.bytes = records_bytes(batch);
        run.lead = sizeof(batch_header);
        run.count = static_cast<std::uint64_t>(batch.header()->record_count.value());
        // A batch that compaction has emptied keeps its compression type, but has no bytes to decompress.
        if (run.count == 0 && options.trailing_bytes) run.bytes = run.bytes.first(0);
        if (run.count == 0 && run.bytes.empty()) return run;
    } else if (!compressed) {
        run.bytes = bytes_of(batch);
        run.count = 1;
        run.base.offset = 0; // the offset of the message itself is absolute
    }
    if (!compressed) return run;

    const expected<std::span<const std::byte>, error> plain = decompress();
    if (!plain) return unexpected{plain.error()};
    run.bytes = *plain;
    run.lead = 0;
    run.decompressed = true;
    if (batch.is_legacy()) {
        if (auto opened = open_wrapper(run, batch, whole); !opened) return unexpected{opened.error()};
    } else if (const auto defect = find_plain_count_defect(batch, plain->size())) {
        return unexpected{error_of(*defect)};
    }
    return run;
}

[[nodiscard]] inline expected_records<batch_records> open_records(batch_view batch, shared_buffer memory,
                                                                  const codec_set& codecs, std::size_t cap,
                                                                  const record_options& options) {
    const auto run = find_run(batch, options, false, [&]() -> expected<std::span<const std::byte>, error> {
        auto plain = decompress(batch, codecs, cap);
        if (!plain) return unexpected{plain.error()};
        memory = *std::move(plain);
        return memory.span();
    });
    if (!run) return unexpected{run.error()};
    return batch_records_access::make(*run, std::move(memory));
}

} // namespace detail

/// The records of `batch`; if it is compressed, one of `codecs` decompresses them, to at most `cap` bytes.
///
/// The records of an uncompressed batch are read in place: its bytes must outlive the result, and nothing is
/// allocated. The checksum is compared unless `policy` is skip. To read the records again keep the
/// batch_records, so that they are verified and decompressed once.
///
/// Errors, with the offset in the batch: crc_mismatch, unsupported_compression (also zstd in magic 0 and 1),
/// bad_length and count_exceeds_input (the record count), those of codec::decompress. Errors of the content
/// of a wrapper, with the offset in the decompressed bytes and a path such as
/// `decompressed.records[2].attributes`: truncated (also an empty wrapper), bad_batch_length, unknown_magic
/// (also a batch of magic 2), unsupported_compression (a wrapper in a wrapper). For defects of the records
/// themselves see batch_records::defect.
[[nodiscard]] inline expected_records<batch_records>
records(batch_view batch, const codec_set& codecs, std::size_t cap, crc_policy policy = crc_policy::verify) {
    return detail::open_records(batch, {}, codecs, cap, {.crc = policy});
}
/// The same with leniencies.
[[nodiscard]] inline expected_records<batch_records> records(batch_view batch, const codec_set& codecs,
                                                             std::size_t cap, const record_options& options) {
    return detail::open_records(batch, {}, codecs, cap, options);
}
/// The same for a held batch: compressed or not, the result keeps the bytes of the records alive.
[[nodiscard]] inline expected_records<batch_records> records(const held<batch_view>& batch,
                                                             const codec_set& codecs, std::size_t cap,
                                                             crc_policy policy = crc_policy::verify) {
    return detail::open_records(batch.view(), batch.buffer(), codecs, cap, {.crc = policy});
}
[[nodiscard]] inline expected_records<batch_records> records(const held<batch_view>& batch,
                                                             const codec_set& codecs, std::size_t cap,
                                                             const record_options& options) {
    return detail::open_records(batch.view(), batch.buffer(), codecs, cap, options);
}

namespace detail {

[[nodiscard]] KWIRE_COLD inline unexpected<error> hop_error(const batch_records& records) noexcept {
    const auto defect = records.defect();
    return unexpected{defect ? *defect : error{.code = errc::bad_record}};
}

/// The first record for which `wanted(timestamp, offset)`.
template <class Wanted>
[[nodiscard]] expected<std::optional<record_view>, error> find_record(const batch_records& records,
                                                                      Wanted wanted) noexcept {
    const record_run& run = batch_records_access::run(records);
    const std::byte* p = run.bytes.data();
    if (!run.messages) {
        const search_result result =
            search_records(run.base, p, p + run.bytes.size(), run.count, wanted, run.accepts);
        if (result.failed) return hop_error(records);
        return result.found;
    }
    for (std::uint64_t left = run.count; left != 0; --left) {
        const record_base base = run.base_of_message(p);
        const auto bytes = record_run::message_at(p);
        if (wanted(base.timestamp_of(0), base.offset_of(0))) {
            lenient_refusal refuse(run.accepts);
            parsed_record record;
            if (read_message(bytes, overlay_trusted<batch_prefix>(p).magic, record, refuse) == nullptr)
                return hop_error(records);
            return record_access::make(base, record);
        }
        p += bytes.size();
    }
    return std::nullopt;
}

} // namespace detail

/// How many records there are, by counting their lengths; equal to count(). Errors, here and below: those of
/// batch_records::defect.
[[nodiscard]] inline expected<std::uint64_t, error> count_records(const batch_records& records) noexcept {
    const detail::record_run& run = detail::batch_records_access::run(records);
    if (run.messages) return run.count;
    const std::byte* const p = run.bytes.data();
    const std::byte* const end = p + run.bytes.size();
    if (detail::hop_over(run.count, p, end) != end) return detail::hop_error(records);
    return run.count;
}

/// The offset of the last record; nullopt if there is none. After compaction it may be below
/// batch_view::last_offset.
[[nodiscard]] inline expected<std::optional<std::int64_t>, error>
last_record_offset(const batch_records& records) noexcept {
    std::optional<std::int64_t> last;
    const auto none = detail::find_record(records, [&last](std::int64_t, std::int64_t offset) {
        last = offset;
        return false;
    });
    if (!none) return unexpected{none.error()};
    return last;
}

/// The first record with this offset or a higher one; nullopt if there is none. Valid while `records` are.
[[nodiscard]] inline expected<std::optional<record_view>, error> find_offset(const batch_records& records,
                                                                             std::int64_t offset) noexcept {
    return detail::find_record(records, [offset](std::int64_t, std::int64_t at) { return at >= offset; });
}

/// The first record with a timestamp of `timestamp` ms or later, as ListOffsets requires; nullopt if there is
/// none. Valid while `records` are.
[[nodiscard]] inline expected<std::optional<record_view>, error>
find_timestamp(const batch_records& records, std::int64_t timestamp) noexcept {
    return detail::find_record(records,
                               [timestamp](std::int64_t at, std::int64_t) { return at >= timestamp; });
}
// Deleted for temporaries, whose records would be gone before the result is used.
expected<std::optional<record_view>, error> find_offset(const batch_records&& records,
                                                        std::int64_t offset) = delete;
expected<std::optional<record_view>, error> find_timestamp(const batch_records&& records,
                                                           std::int64_t timestamp) = delete;

} // namespace kwire::inline KWIRE_ABI
