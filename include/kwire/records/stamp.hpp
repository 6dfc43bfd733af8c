/// What a broker sets in record batches when it appends them to a log: offsets, leader epoch, append time.
///
///     kwire::append_stamp append{.base_offset = log_end, .partition_leader_epoch = epoch,
///                                .append_time = now};
///     auto done = kwire::stamp(bytes, append);       // over all batches of a records field
///     if (done) log_end = done->next_offset;
///
/// The checksum does not cover offset and epoch; for the append time it is adjusted, not computed again.
#pragma once

#include <kwire/buffer/if_shared.hpp>
#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/detail/config.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/detail/change_in_place.hpp>
#include <kwire/records/detail/edit_header.hpp>
#include <kwire/wire/overlay.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace kwire::inline KWIRE_ABI {

/// What a broker sets on append.
struct append_stamp {
    std::int64_t base_offset =
        0; ///< offset of the first record of the first batch; the other batches follow without gaps
    std::optional<std::int32_t> partition_leader_epoch{}; ///< for batches of magic 2; unchanged if not set
    std::optional<std::int64_t>
        append_time{}; ///< in ms; also sets the timestamp type log_append_time; no effect on magic 0
};

/// What stamp did.
struct stamp_result {
    /// How many batches were stamped.
    std::uint32_t batches = 0;
    std::int64_t next_offset = 0; ///< the offset for the next batch: the new end of the log
};

namespace detail {

inline void set_append_time(std::byte* front, std::uint64_t size, std::int64_t time) noexcept {
    constexpr int append_time_bit = 1 << 3;
    const std::int8_t magic = overlay_trusted<batch_prefix>(front).magic;
    if (magic == 2)
        edit_header<24>( // up to max_timestamp, and two more: a multiple of 8 is the faster sum
            overlay_trusted<batch_header>(front), size, [time](batch_header& h) noexcept {
                h.attributes = static_cast<std::int16_t>(h.attributes | append_time_bit);
                h.max_timestamp = time;
            });
    else if (magic == 1)
        edit_message(overlay_trusted<message_prefix>(front), size, [time](message_prefix& m) noexcept {
            m.attributes = static_cast<std::int8_t>(m.attributes | append_time_bit);
            m.timestamp = time;
        });
}

/// Whether a batch cannot be given offsets: those of a compressed wrapper of magic 0 or 1 are inside the
/// compression, and a last offset before the first would turn the log back.
[[nodiscard]] inline bool refuses_offsets(const batch_view& batch) noexcept {
    if (const batch_header* const header = batch.header()) return header->last_offset_delta < 0;
    return batch.compression() != compression_type::none;
}
/// The error for such a batch, which begins at `at`.
[[nodiscard]] KWIRE_COLD inline error refused_offsets(const batch_view& batch, std::uint64_t at) noexcept {
    const bool legacy = batch.is_legacy();
    error e{.code = errc::bad_value,
            .offset = at + (legacy ? offsetof(message_prefix, attributes)
                                   : offsetof(batch_header, last_offset_delta))};
    e.enter({legacy ? "attributes" : "last_offset_delta"});
    return e;
}
[[nodiscard]] inline std::int64_t offset_after(std::int64_t offset, std::int32_t last_delta) noexcept {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(offset) + 1 +
                                     static_cast<std::uint64_t>(std::int64_t{last_delta}));
}
/// Stamps the batch of `size` bytes whose header is at `front`; returns the next offset.
[[nodiscard]] inline std::int64_t stamp_front(std::byte* front, std::uint64_t size, std::int64_t offset,
                                              const append_stamp& with) noexcept {
    auto& prefix = overlay_trusted<batch_prefix>(front);
    prefix.offset = offset;
    std::int32_t last_delta = 0;
    if (prefix.magic == 2) {
        auto& header = overlay_trusted<batch_header>(front);
        if (with.partition_leader_epoch) header.partition_leader_epoch = *with.partition_leader_epoch;
        last_delta = header.last_offset_delta;
    }
    if (with.append_time) set_append_time(front, size, *with.append_time);
    return offset_after(offset, last_delta);
}

/// Stamps batches while they are whole and of magic 2, but sets no time; returns how many bytes they
/// are.
// cost: what is usual by itself, without memory for errors: 25 instructions for each batch instead of 45.
[[nodiscard]] inline std::size_t stamp_usual(std::span<std::byte> bytes, const append_stamp& with,
                                             stamp_result& done) noexcept {
    std::byte* at = bytes.data();
    std::size_t left = bytes.size();
    std::int64_t offset = done.next_offset;
    std::uint32_t batches = done.batches;
    const std::optional<std::int32_t> epoch = with.partition_leader_epoch;
    while (left >= sizeof(batch_header)) {
        const std::uint32_t size = measure_batch(at, left).size;
        auto& header = overlay_trusted<batch_header>(at);
        if (size == 0 || header.magic != 2) break;
        const std::int32_t last_delta = header.last_offset_delta;
        if (last_delta < 0) break;
        header.base_offset = offset;
        if (epoch) header.partition_leader_epoch = *epoch;
        offset = offset_after(offset, last_delta);
        ++batches;
        at += size;
        left -= size;
    }
    done = {.batches = batches, .next_offset = offset};
    return bytes.size() - left;
}
/// Stamps what comes after the first `whole` bytes, whatever it is.
[[nodiscard]] KWIRE_NOINLINE inline expected<stamp_result, error> stamp_others(std::span<std::byte> bytes,
                                                                               std::size_t whole,
                                                                               const append_stamp& with,
                                                                               stamp_result done) noexcept {
    const auto batches = mutable_record_batches(bytes.subspan(whole));
    auto i = batches.begin();
    const auto refused = [&done, whole](error e) {
        e.offset += whole;
        e.enter({"batches", done.batches});
        return unexpected{e};
    };
    for (; i != batches.end(); ++i, ++done.batches) {
        const auto found = *i;
        if (!found) [[unlikely]]
            return refused(found.error());
        if (refuses_offsets(*found)) [[unlikely]]
            return refused(refused_offsets(*found, found.offset()));
        const std::span<std::byte> batch = writable_bytes_of(*found);
        done.next_offset = stamp_front(batch.data(), batch.size(), done.next_offset, with);
    }
    if (const auto tail = batches.tail(i); tail.left != 0) [[unlikely]]
        if (const auto refusal = tail.refusal()) return refused(*refusal);
    return done;
}

} // namespace detail

/// Stamps all batches in `bytes`, a records field. Precondition: no one else reads the bytes at the same
/// time.
///
/// The first offset of each batch follows the last offset of the batch before; messages of magic 0 and 1 get
/// one offset each. Offsets wrap at the end of int64. Errors, with a path such as `batches[2].magic`:
/// bad_value for a compressed wrapper of magic 0 or 1, whose offsets are inside the compression, and for a
/// batch of magic 2 whose last offset is before its first; truncated, bad_batch_length and unknown_magic as
/// from check_batches. After an error the batches before the defective one are stamped, the others are not:
/// call check_batches first if that matters.
[[nodiscard]] KWIRE_NOINLINE inline expected<stamp_result, error> stamp(std::span<std::byte> bytes,
                                                                        const append_stamp& with) noexcept {
    stamp_result done{.next_offset = with.base_offset};
    const std::size_t whole = with.append_time ? 0 : detail::stamp_usual(bytes, with, done);
    if (whole == bytes.size()) [[likely]]
        return done;
    return detail::stamp_others(bytes, whole, with, done);
}

/// Stamps one batch, without measuring it again. Precondition: no one else reads the bytes at the same time.
///
/// Error: bad_value as above, with the offset from the first byte of the batch; then nothing has changed.
[[nodiscard]] KWIRE_NOINLINE inline expected<stamp_result, error> stamp(const mutable_batch& batch,
                                                                        const append_stamp& with) noexcept {
    if (detail::refuses_offsets(batch)) [[unlikely]]
        return unexpected{detail::refused_offsets(batch, 0)};
    const std::span<std::byte> bytes = writable_bytes_of(batch);
    return stamp_result{
        .batches = 1, .next_offset = detail::stamp_front(bytes.data(), bytes.size(), with.base_offset, with)};
}

/// Stamps all batches in `buffer`, in place if this is the only buffer on its memory; otherwise `policy`
/// decides between buffer_shared (or buffer_read_only) and a copy. Other errors as above.
[[nodiscard]] inline expected<stamp_result, error> stamp(shared_buffer& buffer, const append_stamp& with,
                                                         if_shared policy = if_shared::refuse) {
    return detail::change_in_place(buffer, policy,
                                   [&](std::span<std::byte> bytes) { return stamp(bytes, with); });
}

} // namespace kwire::inline KWIRE_ABI
