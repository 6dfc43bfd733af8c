/// The fixed fields of batches and messages, where they are, and how long an entry is.
///
/// batch_view (batch.hpp) shows them for every format; records/patch.hpp changes them in place.
#pragma once

#include <kwire/error.hpp>
#include <kwire/wire/endian.hpp>
#include <kwire/wire/overlay.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace kwire::inline KWIRE_ABI {

/// The header of a batch of magic 2, laid over its bytes (KIP-98). The checksum covers the fields after crc.
struct batch_header {
    big_int64 base_offset;  ///< offset of the first record; 0 from a producer, assigned by the broker
    big_int32 batch_length; ///< bytes of the batch after this field: its size minus 12
    big_int32 partition_leader_epoch; ///< assigned by the broker; -1 or 0 from a producer
    big_int8 magic;                   ///< 2
    big_uint32 crc;                   ///< CRC-32C of everything after it
    big_int16 attributes;             ///< see batch_view for their meaning; bits 7 to 15 are unused
    big_int32 last_offset_delta; ///< last offset minus base_offset; compaction keeps it, so gaps are possible
    big_int64 base_timestamp; ///< ms; the records' timestamps are relative to it; may be the delete horizon
    big_int64 max_timestamp;  ///< ms; -1 if there is none
    big_int64 producer_id;    ///< -1 if the producer is not idempotent
    big_int16 producer_epoch; ///< -1 as above
    big_int32 base_sequence;  ///< sequence number of the first record; -1 as above
    big_int32 record_count;   ///< 0 if compaction has removed all records
};

static_assert(overlayable<batch_header> && sizeof(batch_header) == 61);
static_assert(offsetof(batch_header, magic) == 16 && offsetof(batch_header, crc) == 17 &&
              offsetof(batch_header, attributes) == 21 && offsetof(batch_header, producer_id) == 43 &&
              offsetof(batch_header, record_count) == 57);

namespace detail {

/// The first fields of an entry of any magic: no field up to the magic byte ever moved; only the third
/// changed.
struct batch_prefix {
    big_int64 offset;
    big_int32 length;
    big_uint32 epoch_or_crc;
    big_int8 magic;
};
static_assert(overlayable<batch_prefix> && sizeof(batch_prefix) == 17);

/// The first fields of a message of magic 0 or 1; only magic 1 has the timestamp.
struct message_prefix {
    big_int64 offset;
    big_int32 length;
    big_uint32 crc;
    big_int8 magic;
    big_int8 attributes;
    big_int64 timestamp;
};
static_assert(overlayable<message_prefix> && sizeof(message_prefix) == 26);

/// Where the key of a message of magic 0 or 1 begins, with its length of four bytes: after the attributes in
/// magic 0, after the timestamp in magic 1. The value follows the key in the same form and ends the message.
[[nodiscard]] constexpr std::size_t message_key_offset(std::int8_t magic) noexcept {
    return magic == 0 ? offsetof(message_prefix, timestamp) : sizeof(message_prefix);
}

/// The sequence number `delta` after `base`: 0 follows 2147483647 (KIP-98). -1, which stands for none, if
/// `base` is negative.
[[nodiscard]] constexpr std::int32_t sequence_after(std::int32_t base, std::int32_t delta) noexcept {
    if (base < 0) return -1;
    const std::uint32_t sum = static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(delta);
    return static_cast<std::int32_t>(sum & 0x7fffffff);
}

/// The bytes of an entry that its length field does not count: offset and length.
inline constexpr std::uint32_t batch_overhead = 12;

/// The smallest valid length of an entry: 49 for the rest of the header of magic 2; 14 and 22 for messages of
/// magic 0 and 1 whose key and value are null.
[[nodiscard]] constexpr std::int32_t least_batch_length(std::int8_t magic) noexcept {
    return magic == 2 ? 49 : magic == 1 ? 22 : 14;
}

/// Whether bytes begin with a whole entry (size > 0), or why not.
struct batch_extent {
    std::uint32_t size = 0;       ///< of the entry with its header; 0 if there is no whole entry
    std::uint64_t needed = 0;     ///< if the bytes end too early: how many are needed, at least
    std::optional<errc> defect{}; ///< set if the bytes are not a valid batch, whatever follows
};

[[nodiscard]] inline batch_extent measure_batch(const std::byte* p, std::uint64_t left) noexcept {
    // cost: a whole batch of magic 2 first, because the rules of every format take 6 instructions more with
    // GCC, 9 with Clang.
    if (left >= sizeof(batch_header)) [[likely]] {
        const auto& header = overlay_trusted<batch_header>(p);
        const std::int32_t length = header.batch_length;
        if (header.magic == 2 && length >= least_batch_length(2) &&
            static_cast<std::uint64_t>(length) + batch_overhead <= left) [[likely]]
            return {.size = static_cast<std::uint32_t>(length) + batch_overhead};
    }
    if (left < sizeof(batch_prefix)) [[unlikely]] {
        // A length that is too small for every format is an error even if the magic byte is missing.
        if (left >= batch_overhead && wire::load_be<std::int32_t>(p + 8) < least_batch_length(0))
            return {.defect = errc::bad_batch_length};
        return {.needed = sizeof(batch_prefix)};
    }
    const auto& prefix = overlay_trusted<batch_prefix>(p);
    const std::int8_t magic = prefix.magic;
    const std::int32_t length = prefix.length;
    if (magic < 0 || magic > 2) return {.defect = errc::unknown_magic};
    if (length < least_batch_length(0)) return {.defect = errc::bad_batch_length};
    const std::uint32_t size = static_cast<std::uint32_t>(length) + batch_overhead;
    if (size > left) return {.needed = size};
    // The minimum of the format itself applies to whole batches only, as in Kafka: a batch that is cut short
    // is reported as truncated.
    if (length < least_batch_length(magic)) return {.defect = errc::bad_batch_length};
    return {.size = size};
}

} // namespace detail

} // namespace kwire::inline KWIRE_ABI
