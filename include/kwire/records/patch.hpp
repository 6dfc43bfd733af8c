/// Fields of a batch header changed in place: the checksum is adjusted to them, not computed again.
///
///     kwire::batch_patch patch{.producer_id = 42, .producer_epoch = 3, .base_sequence = 0};
///     if (auto done = kwire::apply(patch, batch); !done) return refuse(done.error());
///
/// The time grows with the logarithm of the size of the batch only. A checksum that was wrong before stays
/// wrong. For what a broker sets when it appends to its log see stamp.hpp.
#pragma once

#include <kwire/buffer/if_shared.hpp>
#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/detail/config.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/detail/change_in_place.hpp>
#include <kwire/records/detail/edit_header.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace kwire::inline KWIRE_ABI {

/// New values for fields of a batch header; fields that are not set keep their values.
///
/// Compression, lengths and counts are missing, because they depend on the bytes of the records.
struct batch_patch {
    std::optional<std::int64_t> base_offset{}; ///< in magic 0 and 1 the offset of the message or wrapper
    /// Magic 2 only, as all that follow.
    std::optional<std::int32_t> partition_leader_epoch{};
    std::optional<kwire::timestamp_type> timestamp_type{}; ///< not `none`; magic 1 and 2 only
    /// Whether the batch is part of a transaction.
    std::optional<bool> is_transactional{};
    /// Whether it has markers in place of data.
    std::optional<bool> is_control{};
    /// Whether base_timestamp is the delete horizon (KIP-534). The records' timestamps stay relative to it.
    std::optional<bool> has_delete_horizon{};
    /// From the base offset to the last one.
    std::optional<std::int32_t> last_offset_delta{};
    std::optional<std::int64_t> base_timestamp{}; ///< moves the timestamps of all records by the difference
    std::optional<std::int64_t> max_timestamp{};  ///< in magic 1 the timestamp of the message
    /// -1 is none.
    std::optional<std::int64_t> producer_id{};
    /// -1 is none.
    std::optional<std::int16_t> producer_epoch{};
    /// Of the first record; -1 is none.
    std::optional<std::int32_t> base_sequence{};
};

namespace detail {

template <class Field, class Value>
void set_if(Field& field, const std::optional<Value>& value) noexcept {
    if (value) field = *value;
}

/// `attributes` with `bit` set to `value`, if there is a value.
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

/// The first field of the patch that the format lacks; empty if there is none.
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

/// Why the patch cannot be applied to a batch of that magic; nullopt if it can.
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
/// Applies a patch without a defect to a batch of `size` bytes whose header is at `front`; of a message of
/// magic 0 or 1, the first 26 bytes are there.
inline void apply_to_front(const batch_patch& patch, std::byte* front, std::uint64_t size) noexcept {
    if (overlay_trusted<batch_prefix>(front).magic == 2)
        apply_v2(patch, overlay_trusted<batch_header>(front), size);
    else
        apply_legacy(patch, overlay_trusted<message_prefix>(front), size);
}

} // namespace detail

/// Sets the fields of `patch` in `batch` and adjusts its checksum.
///
/// Values are not validated. Unused bits of the attributes keep their values (Kafka clears them).
/// Precondition: no one else reads the bytes at the same time. Errors, after which nothing has changed:
/// field_not_in_version, with the name of the field and the magic as version, if the format lacks a field;
/// bad_value for the timestamp type `none`.
[[nodiscard]] KWIRE_NOINLINE inline expected<void, error> apply(const batch_patch& patch,
                                                                const mutable_batch& batch) noexcept {
    if (const auto refused = detail::find_patch_defect(patch, batch_view(batch).magic()))
        return unexpected{*refused};
    const std::span<std::byte> bytes = writable_bytes_of(batch);
    detail::apply_to_front(patch, bytes.data(), bytes.size());
    return {};
}

/// Patches the first batch in `buffer`, in place if this is the only buffer on its memory; otherwise `policy`
/// decides between buffer_shared and a copy.
///
/// Other errors, after which nothing has changed: buffer_read_only for memory that can never be written to;
/// those of mutable_batch_at and of apply for a batch.
[[nodiscard]] inline expected<void, error> apply(const batch_patch& patch, shared_buffer& buffer,
                                                 if_shared policy = if_shared::refuse) {
    return detail::change_in_place(buffer, policy, [&](std::span<std::byte> bytes) -> expected<void, error> {
        const auto batch = mutable_batch_at(bytes);
        if (!batch) return unexpected{batch.error()};
        return apply(patch, *batch);
    });
}

} // namespace kwire::inline KWIRE_ABI
