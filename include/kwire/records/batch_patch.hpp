/// Changes to the headers of batches where they lie: the checksum is mended, not computed anew.
///
///     kwire::batch_patch patch{.producer_id = 42, .producer_epoch = 3, .base_sequence = 0};
///     if (auto done = kwire::apply(patch, batch); !done) return refuse(done.error());
///
///     // What a broker does on append, over all batches of a records field:
///     kwire::append_stamp append{.offset = log_end, .partition_leader_epoch = epoch, .append_time = now};
///     auto next = kwire::stamp(bytes, append);
///
/// A CRC is linear: it changes by what the changed bytes alone would change it, shifted by the bytes behind
/// them (see crc32c_shift). The time does not depend on the size of the batch but for its logarithm, and a
/// batch whose checksum was wrong before has a wrong one afterwards.
#pragma once

#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/detail/config.hpp>
#include <kwire/error.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/wire/crc32c.hpp>
#include <kwire/wire/detail/crc32_tables.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace kwire {

/// New values for fields of a batch header; what is not set stays.
///
/// Nothing here changes how records are laid out, so the compression is missing, and so are lengths and
/// counts.
struct batch_patch {
    std::optional<std::int64_t> base_offset{}; ///< in magic 0 and 1 the offset of the message or wrapper
    std::optional<std::int32_t> partition_leader_epoch{};
    std::optional<kwire::timestamp_type> timestamp_type{}; ///< not none; magic 1 and 2
    std::optional<bool> is_transactional{};
    std::optional<bool> is_control{};
    /// Whether base_timestamp is the delete horizon. The records' timestamps count from base_timestamp still.
    std::optional<bool> has_delete_horizon{};
    std::optional<std::int32_t> last_offset_delta{};
    std::optional<std::int64_t> base_timestamp{}; ///< moves the timestamps of all records along
    std::optional<std::int64_t> max_timestamp{};  ///< in magic 1 the timestamp of the message
    std::optional<std::int64_t> producer_id{};
    std::optional<std::int16_t> producer_epoch{};
    std::optional<std::int32_t> base_sequence{};
};

namespace detail {

/// How the checksum of a batch changes when `before` becomes `after` and `behind` bytes follow; the bytes in
/// front cancel out, and so does what the checksum begins with.
template <std::size_t N>
[[nodiscard]] inline std::uint32_t crc32c_change(const std::byte* before, const std::byte* after,
                                                 std::uint64_t behind) noexcept {
    std::array<std::byte, N> difference;
    for (std::size_t i = 0; i < N; ++i) difference[i] = before[i] ^ after[i];
    return crc32c_shift(~crc32c_extend(~0U, difference), behind);
}
template <std::size_t N>
[[nodiscard]] inline std::uint32_t crc32_change(const std::byte* before, const std::byte* after,
                                                std::uint64_t behind) noexcept {
    return wire::detail::crc_shift_portable<wire::ieee_802_3>(
        wire::crc32_ieee({before, N}) ^ wire::crc32_ieee({after, N}), behind);
}

template <class Field, class Value>
void set_if(Field& field, const std::optional<Value>& value) noexcept {
    if (value) field = *value;
}

/// Bit `bit` of `attributes` as `value` says.
[[nodiscard]] constexpr int with_bit(int attributes, int bit, std::optional<bool> value) noexcept {
    if (!value) return attributes;
    return *value ? attributes | 1 << bit : attributes & ~(1 << bit);
}

[[nodiscard]] inline int patched_attributes(int attributes, const batch_patch& patch) noexcept {
    std::optional<bool> append_time;
    if (patch.timestamp_type) append_time = *patch.timestamp_type == kwire::timestamp_type::log_append_time;
    attributes = with_bit(attributes, 3, append_time);
    attributes = with_bit(attributes, 4, patch.is_transactional);
    attributes = with_bit(attributes, 5, patch.is_control);
    return with_bit(attributes, 6, patch.has_delete_horizon);
}

/// The first field of the patch that magic 0 or 1 has no place for; empty if there is none.
[[nodiscard]] inline std::string_view field_not_in(const batch_patch& patch, std::int8_t magic) noexcept {
    if (magic < 2) {
        if (patch.partition_leader_epoch) return "partition_leader_epoch";
        if (patch.is_transactional) return "is_transactional";
        if (patch.is_control) return "is_control";
        if (patch.has_delete_horizon) return "delete_horizon";
        if (patch.last_offset_delta) return "last_offset_delta";
        if (patch.base_timestamp) return "base_timestamp";
        if (patch.producer_id) return "producer_id";
        if (patch.producer_epoch) return "producer_epoch";
        if (patch.base_sequence) return "base_sequence";
    }
    if (magic < 1) {
        if (patch.timestamp_type) return "timestamp_type";
        if (patch.max_timestamp) return "max_timestamp";
    }
    return {};
}

/// Lets `edit` change a header of magic 2, its attributes and the bytes behind them up to `Covered`, and
/// mends the checksum.
template <std::size_t Covered, class Edit>
void edit_header(batch_header& header, std::uint64_t size, Edit edit) noexcept {
    constexpr std::size_t first = offsetof(batch_header, attributes);
    static_assert(first + Covered <= sizeof(batch_header));
    std::byte* const fields = as_writable_bytes(header).data() + first;
    std::array<std::byte, Covered> before;
    std::memcpy(before.data(), fields, Covered);
    edit(header);
    if (std::memcmp(before.data(), fields, Covered) != 0)
        header.crc = header.crc ^ crc32c_change<Covered>(before.data(), fields, size - first - Covered);
}

/// The same for a message of magic 1. In magic 0, where the 26th byte may be the last, nothing is to be
/// changed.
template <class Edit>
void edit_message(message_prefix& message, std::uint64_t size, Edit edit) noexcept {
    constexpr std::size_t first = offsetof(message_prefix, magic);
    constexpr std::size_t covered = sizeof(message_prefix) - first;
    std::byte* const fields = as_writable_bytes(message).data() + first;
    std::array<std::byte, covered> before;
    std::memcpy(before.data(), fields, covered);
    edit(message);
    if (std::memcmp(before.data(), fields, covered) != 0)
        message.crc =
            message.crc ^ crc32_change<covered>(before.data(), fields, size - sizeof(message_prefix));
}

inline void apply_v2(const batch_patch& patch, batch_header& header, std::uint64_t size) noexcept {
    set_if(header.base_offset, patch.base_offset);
    set_if(header.partition_leader_epoch, patch.partition_leader_epoch);
    edit_header<sizeof(batch_header) - offsetof(batch_header, attributes)>(
        header, size, [&patch](batch_header& h) noexcept {
            h.attributes = static_cast<std::int16_t>(patched_attributes(h.attributes, patch));
            set_if(h.last_offset_delta, patch.last_offset_delta);
            set_if(h.base_timestamp, patch.base_timestamp);
            set_if(h.max_timestamp, patch.max_timestamp);
            set_if(h.producer_id, patch.producer_id);
            set_if(h.producer_epoch, patch.producer_epoch);
            set_if(h.base_sequence, patch.base_sequence);
        });
}

inline void apply_legacy(const batch_patch& patch, message_prefix& message, std::uint64_t size) noexcept {
    set_if(message.offset, patch.base_offset);
    if (message.magic == 0) return;
    edit_message(message, size, [&patch](message_prefix& m) noexcept {
        m.attributes = static_cast<std::int8_t>(patched_attributes(m.attributes, patch));
        set_if(m.timestamp, patch.max_timestamp);
    });
}

/// Why a patch cannot be applied to a batch of that magic.
[[nodiscard]] inline std::optional<error> find_patch_defect(const batch_patch& patch,
                                                            std::int8_t magic) noexcept {
    error e;
    if (const auto field = field_not_in(patch, magic); !field.empty()) {
        e.code = errc::field_not_in_version;
        e.version = static_cast<std::uint8_t>(magic);
        e.enter({field});
        return e;
    }
    if (patch.timestamp_type != kwire::timestamp_type::none) return std::nullopt;
    e.code = errc::bad_value;
    e.enter({"timestamp_type"});
    return e;
}
/// Applies a patch without a defect to a batch of `size` bytes, of which `front` has the header; of messages
/// of magic 0 and 1 the first 26 bytes.
inline void apply_to_front(const batch_patch& patch, std::byte* front, std::uint64_t size) noexcept {
    if (overlay_trusted<batch_prefix>(front).magic == 2)
        apply_v2(patch, overlay_trusted<batch_header>(front), size);
    else
        apply_legacy(patch, overlay_trusted<message_prefix>(front), size);
}

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

} // namespace detail

/// Sets the fields of `patch` in `batch` and mends its checksum once, however many they are.
///
/// Values are not judged: what makes no sense in the batch makes none afterwards. field_not_in_version, with
/// the name of the field and the magic as version, if the format lacks one; bad_value for timestamp_type
/// none. Then nothing has changed. Bits of the attributes that have no meaning yet are kept (Kafka clears
/// them).
[[nodiscard]] KWIRE_NOINLINE inline std::expected<void, error> apply(const batch_patch& patch,
                                                                     const mutable_batch& batch) noexcept {
    if (const auto refused = detail::find_patch_defect(patch, batch_view(batch).magic()))
        return std::unexpected{*refused};
    const std::span<std::byte> bytes = writable_bytes_of(batch);
    detail::apply_to_front(patch, bytes.data(), bytes.size());
    return {};
}

/// What a broker sets on append.
struct append_stamp {
    std::int64_t offset = 0; ///< of the first record of the first batch; the others follow without gaps
    std::optional<std::int32_t> partition_leader_epoch{}; ///< of batches of magic 2; stays if not set
    std::optional<std::int64_t>
        append_time{}; ///< ms; sets log_append_time in all batches but those of magic 0
};

/// What stamp has done.
struct stamped {
    std::uint32_t batches = 0;
    std::int64_t next_offset = 0; ///< what the next batch gets; the new end of the log
};

namespace detail {

/// Whether a batch cannot be given offsets: they lie inside the compression of an old wrapper, where no stamp
/// reaches them, or the last one lies in front of the first, which would turn the log back.
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
/// Stamps the batch of `size` bytes whose header is `front`; returns the offset behind it.
[[nodiscard]] inline std::int64_t stamp_front(std::byte* front, std::uint64_t size, std::int64_t offset,
                                              const append_stamp& with) noexcept {
    auto& prefix = overlay_trusted<batch_prefix>(front);
    prefix.offset = offset;
    std::uint64_t records = 1;
    if (prefix.magic == 2) {
        auto& header = overlay_trusted<batch_header>(front);
        if (with.partition_leader_epoch) header.partition_leader_epoch = *with.partition_leader_epoch;
        records += static_cast<std::uint64_t>(std::int64_t{header.last_offset_delta.value()});
    }
    if (with.append_time) set_append_time(front, size, *with.append_time);
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(offset) + records);
}
/// The error for a tail that is something, where all batches must be whole.
[[nodiscard]] KWIRE_COLD inline error tail_error(const batches_tail& tail) noexcept {
    if (tail.defect) return *tail.defect;
    return {.code = errc::truncated,
            .offset = tail.offset,
            .needed = tail.left + tail.missing,
            .left = tail.left};
}

} // namespace detail

/// Stamps all batches in `bytes`, a records field that nobody else reads meanwhile.
///
/// Each batch of magic 2 is moved so that its first offset follows the last one of the batch before; messages
/// of magic 0 and 1 get one offset each. bad_value for a compressed message of magic 0 or 1, whose offsets
/// lie inside the compression, and for one of magic 2 whose last offset lies in front of its first;
/// truncated, bad_batch_length and unknown_magic as from check_batches. Then the batches in front are stamped
/// and the others are not; check_batches first if that matters. Offsets wrap at the end of int64.
[[nodiscard]] KWIRE_NOINLINE inline std::expected<stamped, error> stamp(std::span<std::byte> bytes,
                                                                        const append_stamp& with) noexcept {
    stamped done{.next_offset = with.offset};
    const auto batches = mutable_record_batches(bytes);
    auto i = batches.begin();
    const auto refused = [&done](error e) {
        e.enter({"batches", done.batches});
        return std::unexpected{e};
    };
    for (; i != batches.end(); ++i, ++done.batches) {
        const std::span<std::byte> batch = writable_bytes_of(*i);
        if (detail::refuses_offsets(*i)) [[unlikely]]
            return refused(
                detail::refused_offsets(*i, static_cast<std::uint64_t>(batch.data() - bytes.data())));
        done.next_offset = detail::stamp_front(batch.data(), batch.size(), done.next_offset, with);
    }
    if (const auto tail = batches.tail(i); tail.left != 0) [[unlikely]]
        return refused(detail::tail_error(tail));
    return done;
}

namespace detail {

/// Calls `change` with the bytes of `buffer` where they may be written.
template <class Change>
[[nodiscard]] auto change_in_place(shared_buffer& buffer, if_shared policy, Change change)
    -> decltype(change(std::span<std::byte>())) {
    auto unique = std::move(buffer).try_into_unique();
    if (!unique) {
        buffer = std::move(unique).error();
        if (policy == if_shared::refuse)
            return std::unexpected{error{.code = buffer_access::refusal(buffer), .located = false}};
        unique_buffer copy = unique_buffer::with_capacity(buffer.size());
        copy.append(buffer);
        auto done = change(copy.span());
        if (done) buffer = std::move(copy).freeze();
        return done;
    }
    auto done = change(unique->span());
    buffer = std::move(*unique).freeze();
    return done;
}

} // namespace detail

/// Patches the first batch in `buffer`, which must be the only one on its memory: else buffer_shared, or a
/// copy.
///
/// Other errors: buffer_read_only for memory that was lent to be read; those of mutable_batch_at and of apply
/// for a batch; nothing has changed then.
[[nodiscard]] inline std::expected<void, error> apply(const batch_patch& patch, shared_buffer& buffer,
                                                      if_shared policy = if_shared::refuse) {
    return detail::change_in_place(buffer, policy,
                                   [&](std::span<std::byte> bytes) -> std::expected<void, error> {
                                       const auto batch = mutable_batch_at(bytes);
                                       if (!batch) return std::unexpected{batch.error()};
                                       return apply(patch, *batch);
                                   });
}

/// Stamps all batches in `buffer`, which must be the only one on its memory: else buffer_shared (or
/// buffer_read_only), or a copy.
[[nodiscard]] inline std::expected<stamped, error> stamp(shared_buffer& buffer, const append_stamp& with,
                                                         if_shared policy = if_shared::refuse) {
    return detail::change_in_place(buffer, policy,
                                   [&](std::span<std::byte> bytes) { return stamp(bytes, with); });
}

} // namespace kwire
