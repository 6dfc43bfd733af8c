/// The check of a records field that looks into the records, for brokers that receive it from a producer.
///
///     auto summary = kwire::check_batches(records, codecs, 64 << 20);   // decompresses to 64 MiB at most
///     if (!summary) return refuse(kwire::produce_error(summary.error()), kwire::describe(summary.error()));
///
/// A batch with a valid header and a valid checksum may still hold what no consumer can read. A log that
/// stores it stops all of them at that offset, so Kafka's leader reads every record before it appends a batch
/// (its class LogValidator), and so does this check.
#pragma once

#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/compression/codec.hpp>
#include <kwire/detail/config.hpp>
#include <kwire/error.hpp>
#include <kwire/error_code.hpp>
#include <kwire/expected.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/check.hpp>
#include <kwire/records/detail/parse_record.hpp>
#include <kwire/records/detail/record_iterator.hpp>
#include <kwire/records/read.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace kwire::inline KWIRE_ABI {

namespace detail {

/// Looks at no record.
struct no_look {
    void operator()(const record_view&, const batch_records&, const std::byte*, std::int64_t) const noexcept {
    }
};

/// Checks the records of one batch after another, and shows each one that has no defect to
/// `look(record, records, at, index)`, where `at` is its first byte.
template <class Look = no_look>
class content_checker {
public:
    content_checker(const codec_set& codecs, std::size_t cap, unique_buffer& scratch, crc_policy policy,
                    Look look = {}) noexcept
        : codecs_(codecs), cap_(cap), scratch_(scratch), policy_(policy), look_(std::move(look)) {}

    /// The first defect of the records of `batch`, whose header has none.
    [[nodiscard]] std::optional<error> operator()(batch_view batch) {
        const auto run = find_run(batch, {.crc = crc_policy::skip}, true,
                                  [&]() -> expected<std::span<const std::byte>, error> {
                                      scratch_.clear();
                                      if (auto done = decompress_into(scratch_, batch, codecs_, cap_); !done)
                                          return unexpected{done.error()};
                                      return std::as_const(scratch_).span();
                                  });
        if (!run) return run.error();
        if (run->messages && run->decompressed)
            if (const auto defect = find_message_defect(*run, batch)) return defect;
        const batch_records records = batch_records_access::make(*run, {});
        return run->messages ? walk(records, batch, ~std::uint64_t{0}) : walk(records, batch, deltas(batch));
    }

    /// The largest timestamp of all records in ms; of a batch without records that of its header.
    [[nodiscard]] std::int64_t max_timestamp() const noexcept { return max_timestamp_; }

private:
    /// How many offsets a batch of magic 2 has, counted from its base offset.
    [[nodiscard]] static std::uint64_t deltas(batch_view batch) noexcept {
        return static_cast<std::uint64_t>(batch.header()->last_offset_delta.value()) + 1;
    }

    /// Reads all records; their offsets must rise, and in magic 2 lie within the `offsets` of the batch.
    [[nodiscard]] std::optional<error> walk(const batch_records& records, batch_view batch,
                                            std::uint64_t offsets) {
        const bool from_base = !batch.is_legacy();
        const auto base = from_base ? static_cast<std::uint64_t>(batch.base_offset()) : std::uint64_t{0};
        // Magic 0 and 1 have no base: there the first offset may be any.
        std::optional<std::int64_t> last = from_base ? std::optional<std::int64_t>(-1) : std::nullopt;
        if (records.count() == 0) note(batch.max_timestamp());
        std::int64_t index = 0;
        for (auto i = records.begin(); i != records.end(); ++i, ++index) {
            const auto record = *i;
            if (!record) return record.error();
            const auto at = static_cast<std::int64_t>(static_cast<std::uint64_t>(record->offset()) - base);
            if ((last && at <= *last) || (from_base && static_cast<std::uint64_t>(at) >= offsets))
                [[unlikely]]
                return offset_defect(records, record_iterator_access::position(i), index);
            last = at;
            note(record->timestamp());
            look_(*record, records, record_iterator_access::position(i), index);
        }
        return std::nullopt;
    }
    void note(std::int64_t timestamp) noexcept {
        if (timestamp > max_timestamp_) max_timestamp_ = timestamp;
    }

    /// The error of a record that can be read, but whose offset does not fit.
    [[nodiscard]] KWIRE_COLD static error offset_defect(const batch_records& records, const std::byte* at,
                                                        std::int64_t index) noexcept {
        const record_run& run = batch_records_access::run(records);
        const std::byte* field = at; // a message begins with its offset
        if (!run.messages) {
            const std::byte* const end = run.bytes.data() + run.bytes.size();
            std::int64_t ignored = 0;
            field = read_short_varint(at, end, ignored) + 1; // the length, and the attributes
            field = read_short_varint(field, end, ignored);
        }
        error e{.code = errc::bad_value, .offset = static_cast<std::uint64_t>(field - run.bytes.data())};
        e.enter({run.messages ? "offset" : "offset_delta"});
        e.enter({"records", index});
        return run.placed(e);
    }

    /// What a leader refuses in a wrapper although readers accept it: messages of another magic than the
    /// wrapper's, which old logs hold, and checksums that do not match.
    [[nodiscard]] std::optional<error> find_message_defect(const record_run& run,
                                                           batch_view wrapper) const noexcept {
        const std::byte* p = run.bytes.data();
        for (std::uint64_t i = 0; i != run.count; ++i) {
            const auto bytes = record_run::message_at(p);
            const batch_view message =
                batch_access::make(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
            std::optional<batch_defect> defect;
            if (message.magic() != wrapper.magic())
                defect = batch_defect{errc::bad_value, "magic", offsetof(message_prefix, magic)};
            else if (policy_ != crc_policy::skip && !crc_matches(message))
                defect = crc_defect(message);
            if (defect) {
                error e = error_of(*defect);
                e.offset += static_cast<std::uint64_t>(p - run.bytes.data());
                e.enter({"records", static_cast<std::int64_t>(i)});
                return run.placed(e);
            }
            p += bytes.size();
        }
        return std::nullopt;
    }

    const codec_set& codecs_;
    std::size_t cap_;
    unique_buffer& scratch_;
    crc_policy policy_;
    KWIRE_NO_UNIQUE_ADDRESS Look look_;
    std::int64_t max_timestamp_ = -1;
};

} // namespace detail

/// Checks that `bytes` are whole, valid batches whose records can all be read. Empty input is valid.
///
/// For each batch it checks all that check_batches without codecs checks, and then every record: its lengths,
/// its headers, that the batch holds as many as it counts and nothing else, that their offsets rise and do
/// not go beyond last_offset_delta. One of `codecs` decompresses a compressed batch to at most `cap` bytes,
/// into `scratch`, whose content is replaced and whose memory is used again for the next batch and the next
/// call; uncompressed records are read in place, without an allocation. A wrapper of magic 0 or 1 must
/// hold whole messages of its own magic with valid checksums. Checksums are compared unless `policy` is skip.
///
/// The summary's max_timestamp is the largest of the records, whatever the headers say: a leader writes it to
/// the header (KIP-32), because ListOffsets relies on it. The summary is valid while `bytes` are.
///
/// Errors have a path such as `batches[0].records[3].key` and the offset in `bytes`; if the path continues
/// with `decompressed`, the offset in the decompressed bytes of that batch. Codes: those of check_batches
/// without codecs, of records() and of batch_records::defect; bad_value for an offset, and for a message of
/// another magic than its wrapper's. produce_error says how a broker answers them.
[[nodiscard]] inline expected<batches_summary, error> check_batches(std::span<const std::byte> bytes,
                                                                    const codec_set& codecs, std::size_t cap,
                                                                    unique_buffer& scratch,
                                                                    crc_policy policy = crc_policy::verify) {
    const auto headers = policy == crc_policy::skip ? crc_policy::skip : crc_policy::verify;
    detail::content_checker checker(codecs, cap, scratch, policy);
    auto summary = detail::check_each_batch(bytes, headers, [&](batch_view batch) { return checker(batch); });
    if (summary) summary->max_timestamp = checker.max_timestamp();
    return summary;
}
/// The same; what it allocates for compressed batches is released at the end of the call.
[[nodiscard]] inline expected<batches_summary, error> check_batches(std::span<const std::byte> bytes,
                                                                    const codec_set& codecs, std::size_t cap,
                                                                    crc_policy policy = crc_policy::verify) {
    unique_buffer scratch;
    return check_batches(bytes, codecs, cap, scratch, policy);
}
/// The same for a records field that may be null: null holds no batches.
template <class Records>
    requires std::is_same_v<Records, std::optional<std::span<const std::byte>>>
[[nodiscard]] expected<batches_summary, error> check_batches(const Records& records, const codec_set& codecs,
                                                             std::size_t cap, unique_buffer& scratch,
                                                             crc_policy policy = crc_policy::verify) {
    return check_batches(records.value_or(std::span<const std::byte>()), codecs, cap, scratch, policy);
}
template <class Records>
    requires std::is_same_v<Records, std::optional<std::span<const std::byte>>>
[[nodiscard]] expected<batches_summary, error> check_batches(const Records& records, const codec_set& codecs,
                                                             std::size_t cap,
                                                             crc_policy policy = crc_policy::verify) {
    return check_batches(records.value_or(std::span<const std::byte>()), codecs, cap, policy);
}
/// Deleted for temporary owners of bytes, to which the summary would refer.
template <detail::temporary_owner Owner>
expected<batches_summary, error> check_batches(Owner&& bytes, const codec_set& codecs, std::size_t cap,
                                               unique_buffer& scratch,
                                               crc_policy = crc_policy::verify) = delete;
template <detail::temporary_owner Owner>
expected<batches_summary, error> check_batches(Owner&& bytes, const codec_set& codecs, std::size_t cap,
                                               crc_policy = crc_policy::verify) = delete;

/// The code with which a broker answers Produce if check_batches refused the records with `refusal`.
///
/// As Kafka's leader (its LogValidator), with one difference: where Kafka runs into an unexpected exception
/// and answers UNKNOWN_SERVER_ERROR (records that are garbage, streams that do not decompress, compression
/// types that are not assigned), it is INVALID_RECORD or UNSUPPORTED_COMPRESSION_TYPE. Producers send a batch
/// again after CORRUPT_MESSAGE, and give it up after these.
[[nodiscard]] constexpr error_code produce_error(const error& refusal) noexcept {
    switch (refusal.code) {
    case errc::crc_mismatch: return error_code::corrupt_message;
    case errc::unknown_magic:
    case errc::bad_batch_length: // of a batch, or deeper in the path of a message in a valid wrapper
        return refusal.depth <= 2 ? error_code::corrupt_message : error_code::invalid_record;
    case errc::unsupported_compression: return error_code::unsupported_compression_type;
    case errc::out_of_memory: return error_code::unknown_server_error;
    default: return error_code::invalid_record;
    }
}

} // namespace kwire::inline KWIRE_ABI
