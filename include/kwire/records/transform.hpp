/// The records of a field dropped or changed one by one, as a chain; what does not change stays where it is.
///
///     // Tombstones are left out:
///     auto live = kwire::transform_records(
///         fetched, [](const kwire::record_view& record, kwire::record_edit& edit) {
///             if (!record.value()) edit.drop();
///         });
///
///     // Each value is encrypted, into the memory that is sent; compressed batches are compressed again:
///     auto sealed = kwire::transform_records(
///         produced, codecs, 64 << 20, [&](const kwire::record_view& record, kwire::record_edit& edit) {
///             edit.add_header("key-id", key.id());
///             if (const auto value = record.value())
///                 key.encrypt(*value, edit.write_value(value->size() + key.overhead()));
///         });
///     if (!sealed) return refuse(sealed.error());
///     send(std::move(sealed->records));
///
/// What is kept, as in Kafka's log compaction (MemoryRecords.filterTo): the batches and their order, base
/// offset and last offset, the offset of each record (there are gaps where records were dropped), timestamps,
/// producer id, epoch and sequence, the transactional flag, the delete horizon. If a record is dropped, the
/// record count is one less, and max_timestamp is the largest of the records that are left (not with
/// log_append_time, where it is the timestamp of all of them). Consumers read such gaps; a leader refuses
/// them in a Produce request (check_produce.hpp), so a filter on the way to the broker changes records and
/// drops none.
///
/// Batches without a changed record are attached by reference, control batches without a look at them. In a
/// changed batch that is not compressed the header is copied, and changed records are written again; all
/// records between them are slices of `records`, and so are old keys, values and headers of 512 bytes or more
/// in changed ones, except a key before a value that is written. The result refers to the memory of `records`
/// and keeps it alive. Where many short records change, buffer_chain::compact joins the short slices.
///
/// The checksum of a changed batch is put together from the old one, the bytes that went and those that came;
/// where lengths change, the bytes that moved by another distance than most are read too. So one value that
/// keeps its length costs its own bytes, one that does not those on its shorter side, and more changes never
/// more than the old and the new bytes once. Unless options say to skip it, the old checksum is compared
/// first, for which all bytes are read.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/buffer/detail/buffer_access.hpp>
#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/compression/codec.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/batch_header.hpp>
#include <kwire/records/detail/batch_picker.hpp>
#include <kwire/records/detail/batch_pieces.hpp>
#include <kwire/records/detail/crc_of_pieces.hpp>
#include <kwire/records/detail/record_iterator.hpp>
#include <kwire/records/read.hpp>
#include <kwire/records/record.hpp>
#include <kwire/records/record_edit.hpp>
#include <kwire/wire/crc32c.hpp>
#include <kwire/wire/overlay.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>

namespace kwire::inline KWIRE_ABI {

/// What becomes of a batch all of whose records are dropped.
enum class emptied_batch : std::uint8_t {
    /// Its header stays, with the record count 0: consumers go on after it, and the sequence of its producer
    /// is known, as Kafka's compaction needs it (BatchRetention.RETAIN_EMPTY).
    keep,
    keep_with_producer, ///< as keep if it has a producer id, else as drop
    drop,               ///< nothing of it stays (BatchRetention.DELETE_EMPTY)
};

/// What becomes of messages and wrappers of magic 0 and 1, which transform_records does not change.
enum class legacy_messages : std::uint8_t {
    refuse, ///< unknown_magic: no record leaves that the function has not seen
    pass,   ///< they are attached by reference
};

/// How transform_records reads and writes.
struct transform_options {
    /// How records are read. With crc_policy::skip a checksum that was wrong stays wrong, whatever changes.
    record_options read{};
    /// What becomes of batches without records.
    emptied_batch emptied = emptied_batch::keep;
    /// What becomes of messages of magic 0 and 1.
    legacy_messages legacy = legacy_messages::refuse;
    /// Compresses the changed batches among those that were compressed; null for the codec that decompressed
    /// them, at its own level. Another type changes the attributes of the batch.
    codec* compress_with = nullptr;
    /// How many bytes to allocate with the first change; a good guess saves allocations and segments.
    std::size_t expected_bytes = 1024;
};

/// What transform_records made.
struct transform_result {
    /// The records to send.
    buffer_chain records;
    std::uint32_t changed_batches = 0; ///< those that were written again, emptied ones included
    std::uint32_t dropped_batches = 0; ///< those of which nothing is left
    /// Records that the function edited.
    std::uint64_t changed_records = 0;
    /// Records that it dropped.
    std::uint64_t dropped_records = 0;
};

/// A function that edits records: it returns nothing, or kwire::expected<void, error> if it can fail.
template <class Edit>
concept record_editor =
    std::is_invocable_r_v<expected<void, error>, Edit&, const record_view&, record_edit&> ||
    std::is_void_v<std::invoke_result_t<Edit&, const record_view&, record_edit&>>;

namespace detail {

/// Changes one batch after the other.
class batch_transformer {
public:
    batch_transformer(const shared_buffer& records, const codec_set& codecs, std::size_t cap,
                      const transform_options& options) noexcept
        : codecs_(codecs),
          options_(options),
          cap_(cap),
          records_(records),
          picked_(records),
          pieces_(options.expected_bytes),
          edit_(pieces_) {}

    /// Adds `batch` with its records edited. Offsets of errors count from its first byte, or from the first
    /// decompressed one.
    template <class Edit>
    [[nodiscard]] expected<void, error> add(batch_view batch, Edit& edit) {
        if (batch.is_legacy()) {
            if (options_.legacy == legacy_messages::refuse) return unexpected{refused_magic()};
            picked_.keep(batch);
            return {};
        }
        if (batch.is_control()) {
            picked_.keep(batch);
            return {};
        }
        const auto run = find_run(batch, options_.read, true, [&] { return decompressed(batch); });
        if (!run) return unexpected{run.error()};
        begin(batch, *run);
        if (auto done = edit_each(batch, batch_records_access::make(*run, {}), edit); !done) return done;
        if (!changed_) {
            picked_.keep(batch);
            return {};
        }
        return finish(batch, *run);
    }
    [[nodiscard]] transform_result take() && {
        result_.records = std::move(picked_).take();
        return std::move(result_);
    }

private:
    [[nodiscard]] static error refused_magic() noexcept {
        error e{.code = errc::unknown_magic, .offset = offsetof(batch_header, magic)};
        e.enter({"magic"});
        return e;
    }
    [[nodiscard]] expected<std::span<const std::byte>, error> decompressed(batch_view batch) {
        plain_.clear();
        if (auto done = decompress_into(plain_, batch, codecs_, cap_); !done) return unexpected{done.error()};
        return std::as_const(plain_).span();
    }

    void begin(batch_view batch, const record_run& run) noexcept {
        if (run.decompressed) {
            pieces_.begin(shared_buffer::from_static(run.bytes), 0);
            // A codec takes one piece: what does not fit into the first one makes a copy of all.
            pieces_.expect(run.bytes.size() + run.bytes.size() / 2);
        } else {
            const auto bytes = bytes_of(batch);
            const auto from = static_cast<std::size_t>(bytes.data() - records_.data());
            pieces_.begin(buffer_access::slice(records_, from, bytes.size()), sizeof(batch_header));
        }
        // Offsets in the old bytes; a run in place begins after the header.
        done_ = static_cast<std::size_t>(run.lead);
        changed_ = false;
        header_ = nullptr;
        kept_ = 0;
        dropped_ = 0;
        max_timestamp_ = -1;
    }

    template <class Edit>
    [[nodiscard]] expected<void, error> edit_each(batch_view batch, const batch_records& records,
                                                  Edit& edit) {
        const std::byte* const old = pieces_.old().data();
        std::int64_t index = 0;
        for (auto i = records.begin(); i != records.end(); ++i, ++index) {
            const auto result = *i;
            if (!result) [[unlikely]]
                return unexpected{result.error()};
            const record_view record = *result;
            const std::byte* const at = record_iterator_access::position(i);
            const std::byte* const end = record_iterator_access::position_after(i);
            edit_.begin(batch, record, end);
            if constexpr (std::is_void_v<std::invoke_result_t<Edit&, const record_view&, record_edit&>>) {
                edit(record, edit_);
            } else if (expected<void, error> done = edit(record, edit_); !done) {
                return unexpected{in_record(done.error(), records, at, index)};
            }
            if (!edit_.dropped_) {
                ++kept_;
                if (record.timestamp() > max_timestamp_) max_timestamp_ = record.timestamp();
            }
            if (edit_.changed_ && !take_change(static_cast<std::size_t>(at - old),
                                               static_cast<std::size_t>(end - old))) [[unlikely]]
                return unexpected{in_record(too_large(pieces_.size()), records, at, index)};
        }
        return {};
    }

    /// Adds the record at [from, to) of the old bytes as it was edited, after what was kept before it.
    [[nodiscard]] bool take_change(std::size_t from, std::size_t to) {
        if (!changed_) {
            header_ = pieces_.start();
            changed_ = true;
        }
        pieces_.keep(done_, from - done_);
        done_ = to;
        if (edit_.dropped_) {
            ++dropped_;
            return true;
        }
        ++result_.changed_records;
        return edit_.write();
    }

    [[nodiscard]] static error too_large(std::uint64_t needed) noexcept {
        return {.code = errc::too_large, .needed = needed, .left = largest_batch};
    }
    /// An error of the function, or of what it wrote, at the record that begins at `at`.
    [[nodiscard]] static error in_record(error e, const batch_records& records, const std::byte* at,
                                         std::int64_t index) noexcept {
        const record_run& run = batch_records_access::run(records);
        e.offset = static_cast<std::uint64_t>(at - run.bytes.data());
        e.located = true;
        e.enter({"records", index});
        return run.placed(e);
    }

    [[nodiscard]] expected<void, error> finish(batch_view batch, const record_run& run) {
        result_.dropped_records += dropped_;
        if (kept_ == 0 &&
            (options_.emptied == emptied_batch::drop ||
             (options_.emptied == emptied_batch::keep_with_producer && batch.producer_id() < 0))) {
            ++result_.dropped_batches;
            return {};
        }
        ++result_.changed_batches;
        pieces_.keep(done_, pieces_.old().size() - done_);
        if (run.decompressed) return kept_ == 0 ? put_empty(batch) : recompress(batch);
        if (pieces_.size() > largest_batch) return unexpected{too_large(pieces_.size())};
        batch_header& header = put_header(header_, batch, pieces_.size());
        if (kept_ == 0) clear_for_empty(header);
        header.crc = crc_of_pieces(pieces_.pieces(), bytes_of(batch), offsetof(batch_header, attributes),
                                   batch.crc(), options_.read.crc != crc_policy::skip);
        for (batch_piece& piece : pieces_.pieces()) picked_.put(std::move(piece.bytes));
        return {};
    }

    /// Writes the header of the changed batch of `size` bytes to `to`; its checksum comes later.
    [[nodiscard]] batch_header& put_header(std::byte* to, batch_view batch,
                                           std::uint64_t size) const noexcept {
        std::memcpy(to, bytes_of(batch).data(), sizeof(batch_header));
        auto& header = overlay_trusted<batch_header>(to);
        header.batch_length = static_cast<std::int32_t>(size - batch_overhead);
        header.record_count = static_cast<std::int32_t>(kept_);
        if (dropped_ != 0 && kept_ != 0 && batch.timestamp_type() == kwire::timestamp_type::create_time)
            header.max_timestamp = max_timestamp_;
        return header;
    }
    /// As Kafka writes the header of a batch without records (DefaultRecordBatch.writeEmptyHeader): neither
    /// compressed nor with a delete horizon.
    static void clear_for_empty(batch_header& header) noexcept {
        constexpr int kept_bits = 1 << 3 | 1 << 4 | 1 << 5; // timestamp type, transactional, control
        header.attributes = static_cast<std::int16_t>(header.attributes & kept_bits);
        header.base_timestamp = -1;
    }

    /// What was wrong with the checksum of `batch`: 0 if it is right.
    [[nodiscard]] std::uint32_t wrongness(batch_view batch) const noexcept {
        if (options_.read.crc != crc_policy::skip) return 0;
        return batch.crc() ^ crc32c(bytes_of(batch).subspan(offsetof(batch_header, attributes)));
    }
    [[nodiscard]] expected<void, error> put_empty(batch_view batch) {
        unique_buffer out = unique_buffer::with_capacity(sizeof(batch_header));
        out.commit(sizeof(batch_header));
        batch_header& header = put_header(out.data(), batch, out.size());
        clear_for_empty(header);
        put_sealed(batch, std::move(out));
        return {};
    }
    [[nodiscard]] expected<void, error> recompress(batch_view batch) {
        codec& by =
            options_.compress_with != nullptr ? *options_.compress_with : *codecs_.find(batch.compression());
        const std::span<batch_piece> pieces = pieces_.pieces();
        std::span<const std::byte> plain = pieces.front().bytes.span();
        if (pieces.size() != 1) {
            joined_.clear();
            joined_.reserve(static_cast<std::size_t>(pieces_.size()));
            for (const batch_piece& piece : pieces) joined_.append(piece.bytes);
            plain = std::as_const(joined_).span();
        }
        unique_buffer out = unique_buffer::with_capacity(sizeof(batch_header) + plain.size() / 2);
        out.commit(sizeof(batch_header));
        if (const auto done = by.compress_into(out, plain, std::int8_t{2}); !done)
            return unexpected{done.error()};
        if (out.size() > largest_batch) return unexpected{too_large(out.size())};
        // Codecs ask for the memory that they might need, and the result would keep all of it.
        if (out.size() < out.capacity() / 4) {
            unique_buffer exact = unique_buffer::with_capacity(out.size());
            exact.append(std::as_const(out).span());
            out = std::move(exact);
        }
        batch_header& header = put_header(out.data(), batch, out.size());
        header.attributes =
            static_cast<std::int16_t>((header.attributes & ~7) | static_cast<std::int16_t>(by.type()));
        put_sealed(batch, std::move(out));
        return {};
    }
    void put_sealed(batch_view batch, unique_buffer&& out) {
        overlay_trusted<batch_header>(out.data()).crc =
            crc32c(std::as_const(out).span().subspan(offsetof(batch_header, attributes))) ^ wrongness(batch);
        picked_.put(std::move(out).freeze());
    }

    static constexpr std::uint64_t largest_batch =
        std::uint64_t{std::numeric_limits<std::int32_t>::max()} + batch_overhead;

    const codec_set& codecs_;
    const transform_options& options_;
    std::size_t cap_;
    const shared_buffer& records_;
    transform_result result_;
    batch_picker picked_;
    batch_pieces pieces_;
    record_edit edit_;
    unique_buffer plain_, joined_;

    // Of the batch that is edited now.
    std::byte* header_ = nullptr;
    std::size_t done_ = 0; ///< old bytes up to there are in the pieces, or went
    std::uint64_t kept_ = 0, dropped_ = 0;
    std::int64_t max_timestamp_ = -1; ///< of the kept records
    bool changed_ = false;
};

} // namespace detail

/// The batches of `records`, with what `edit(record, changes)` does to each record.
///
/// `edit` is called with each record of magic 2 that is not in a control batch, in order, as
/// `edit(const record_view&, record_edit&)`; it changes the record by calls of the record_edit. One of
/// `codecs` decompresses a compressed batch to at most `cap` bytes; if a record of it changes, all its
/// records are compressed again. The records of other batches are read in place. A batch without records is
/// attached as it is; a last batch that is cut short is left out, as by select_batches.
///
/// Errors, after which nothing was made, with the offset in `records` and a path such as
/// `batches[2].records[7].key` (`batches[2].decompressed.records[7]`, with the offset in the decompressed
/// bytes of that batch): unknown_magic and bad_batch_length for bytes that are not a valid batch;
/// unknown_magic for a message of magic 0 or 1, unless options say to pass them; those of records() and of
/// batch_records::defect; too_large for a record or batch that its length field cannot hold; those of
/// codec::compress; what `edit` returned, at its record.
template <record_editor Edit>
[[nodiscard]] expected<transform_result, error>
transform_records(const shared_buffer& records, const codec_set& codecs, std::size_t cap, Edit edit,
                  const transform_options& options = {}) {
    detail::batch_transformer transformer(records, codecs, cap, options);
    std::uint32_t index = 0;
    for (const auto found : record_batches(records.span())) {
        if (!found) return detail::in_batch(found.error(), index);
        if (const auto done = transformer.add(*found, edit); !done) {
            error e = done.error();
            if (e.depth == 0 || e.path[0].field != detail::decompressed_step) e.offset += found.offset();
            return detail::in_batch(e, index);
        }
        ++index;
    }
    return std::move(transformer).take();
}
/// The same for records that are not compressed: a compressed batch is unsupported_compression.
template <record_editor Edit>
[[nodiscard]] expected<transform_result, error> transform_records(const shared_buffer& records, Edit edit,
                                                                  const transform_options& options = {}) {
    const codec_set none;
    return transform_records(records, none, 0, std::move(edit), options);
}

} // namespace kwire::inline KWIRE_ABI
