/// Record batches, read in place: their headers, their checksums and the bytes of their records.
///
///     for (auto batch : kwire::record_batches(partition.records())) {
///         if (!batch) return refuse(batch.error());          // what is here is not a batch
///         log.push_back(*request.slice(bytes_of(*batch)));   // the bytes that the socket wrote, no copy
///     }
///
/// A records field is a sequence of batches without a count. Batches of magic 2 have a header of 61 bytes
/// (KIP-98); old logs also hold entries of magic 0 and 1: single messages, or compressed wrappers around
/// several.
#pragma once

#include <kwire/compression/type.hpp>
#include <kwire/detail/forward_iterator.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/records/batch_header.hpp>
#include <kwire/wire/endian.hpp>
#include <kwire/wire/overlay.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace kwire {

/// Which clock the timestamps of a batch come from.
enum class timestamp_type : std::uint8_t {
    create_time,     ///< the producer's, one for each record
    log_append_time, ///< the broker's: max_timestamp applies to all records and replaces their own (KIP-32)
    none,            ///< magic 0 has no timestamps
};

/// "create_time", "log_append_time" or "none".
[[nodiscard]] constexpr std::string_view name_of(timestamp_type type) noexcept {
    switch (type) {
    case timestamp_type::create_time: return "create_time";
    case timestamp_type::log_append_time: return "log_append_time";
    case timestamp_type::none: return "none";
    }
    return "unknown";
}

namespace detail {

struct batch_access;

} // namespace detail

/// A view of one batch of magic 2, or of one message or wrapper of magic 0 or 1, with all of its bytes.
///
/// A small value, valid while the bytes are. Its accessors work for every magic: a field that the old formats
/// lack has the value that means "none". Only the length has been checked: see check_batches.
class batch_view {
public:
    /// Shows no batch; assign to it before use.
    batch_view() noexcept = default;

    /// The header in place; nullptr for magic 0 and 1, which have another header.
    [[nodiscard]] const batch_header* header() const noexcept {
        return is_legacy() ? nullptr : &overlay_trusted<batch_header>(data_);
    }
    /// The format: 0, 1 or 2.
    [[nodiscard]] std::int8_t magic() const noexcept { return magic_; }
    /// Whether this is a message or wrapper of magic 0 or 1.
    [[nodiscard]] bool is_legacy() const noexcept { return magic() < 2; }

    /// The offset field: the offset of the first record; in magic 0 and 1 that of the message, or of the last
    /// message in a wrapper.
    [[nodiscard]] std::int64_t base_offset() const noexcept { return prefix().offset; }
    /// The offset of the last record, whether or not compaction has removed it. Wraps at the end of int64.
    [[nodiscard]] std::int64_t last_offset() const noexcept {
        return is_legacy() ? base_offset() : plus(base_offset(), v2().last_offset_delta);
    }
    /// The offset at which a consumer continues after this batch, whichever records are left. Wraps as
    /// last_offset.
    [[nodiscard]] std::int64_t next_offset() const noexcept { return plus(last_offset(), 1); }
    /// The length field: the size of bytes_of(batch) minus 12.
    [[nodiscard]] std::int32_t batch_length() const noexcept { return prefix().length; }
    /// The epoch of the leader that appended the batch; -1 in magic 0 and 1.
    [[nodiscard]] std::int32_t partition_leader_epoch() const noexcept {
        return is_legacy() ? -1 : v2().partition_leader_epoch.value();
    }
    /// The stored checksum: CRC-32C in magic 2, CRC-32 in magic 0 and 1. crc_matches compares it with the
    /// bytes.
    [[nodiscard]] std::uint32_t crc() const noexcept {
        return is_legacy() ? legacy().crc.value() : v2().crc.value();
    }

    /// The attribute bits as stored, unused ones included.
    [[nodiscard]] std::int16_t attributes() const noexcept {
        return is_legacy() ? std::int16_t{legacy().attributes} : v2().attributes.value();
    }
    /// Bits 0 to 2 of the attributes; may be an unassigned value.
    [[nodiscard]] compression_type compression() const noexcept {
        return static_cast<compression_type>(attributes() & 7);
    }
    /// Bit 3 of the attributes (KIP-32); `none` in magic 0.
    [[nodiscard]] kwire::timestamp_type timestamp_type() const noexcept {
        if (magic() == 0) return kwire::timestamp_type::none;
        return has(3) ? kwire::timestamp_type::log_append_time : kwire::timestamp_type::create_time;
    }
    /// Bit 4 of the attributes: the batch is part of a transaction (KIP-98). false in magic 0 and 1.
    [[nodiscard]] bool is_transactional() const noexcept { return !is_legacy() && has(4); }
    /// Bit 5 of the attributes: the batch holds markers of transactions or of KRaft, not data (see
    /// control.hpp). false in magic 0 and 1.
    [[nodiscard]] bool is_control() const noexcept { return !is_legacy() && has(5); }
    /// The time in ms from which compaction may remove tombstones and markers (KIP-534); nullopt unless bit 6
    /// of the attributes is set.
    [[nodiscard]] std::optional<std::int64_t> delete_horizon() const noexcept {
        if (is_legacy() || !has(6)) return std::nullopt;
        return v2().base_timestamp;
    }

    /// The record count in the header of magic 2, not checked against the records; nullopt for magic 0 and 1.
    [[nodiscard]] std::optional<std::int32_t> record_count() const noexcept {
        if (is_legacy()) return std::nullopt;
        return v2().record_count;
    }

    /// The largest timestamp in ms, as stored; of a message of magic 1 its own; -1 if there is none.
    [[nodiscard]] std::int64_t max_timestamp() const noexcept {
        if (magic() == 0) return -1;
        return is_legacy() ? legacy().timestamp.value() : v2().max_timestamp.value();
    }
    /// The id of the idempotent producer (KIP-98); -1 if there is none, and in magic 0 and 1.
    [[nodiscard]] std::int64_t producer_id() const noexcept {
        return is_legacy() ? -1 : v2().producer_id.value();
    }
    /// The epoch of the idempotent producer (KIP-98); -1 if there is none, and in magic 0 and 1.
    [[nodiscard]] std::int16_t producer_epoch() const noexcept {
        return is_legacy() ? std::int16_t{-1} : v2().producer_epoch.value();
    }
    /// The sequence number of the first record (KIP-98); -1 if there is none, and in magic 0 and 1.
    [[nodiscard]] std::int32_t base_sequence() const noexcept {
        return is_legacy() ? -1 : v2().base_sequence.value();
    }
    /// The sequence number of the last record: 0 follows 2147483647 (KIP-98). -1 if base_sequence is
    /// negative.
    [[nodiscard]] std::int32_t last_sequence() const noexcept {
        return is_legacy() ? -1 : detail::sequence_after(base_sequence(), v2().last_offset_delta);
    }

    /// The bytes of the batch with its header; valid while the bytes that it was found in are.
    [[nodiscard]] friend std::span<const std::byte> bytes_of(const batch_view& batch) noexcept {
        return {batch.data_, batch.size_};
    }

private:
    friend struct detail::batch_access;

    batch_view(const std::byte* data, std::uint32_t size) noexcept
        : data_(data), size_(size), magic_(prefix().magic) {}

    [[nodiscard]] const detail::batch_prefix& prefix() const noexcept {
        return overlay_trusted<detail::batch_prefix>(data_);
    }
    /// In bounds for magic 0 too, whose smallest message has 26 bytes; there the last eight are not a
    /// timestamp.
    [[nodiscard]] const detail::message_prefix& legacy() const noexcept {
        return overlay_trusted<detail::message_prefix>(data_);
    }
    [[nodiscard]] const batch_header& v2() const noexcept { return overlay_trusted<batch_header>(data_); }
    [[nodiscard]] bool has(int bit) const noexcept { return (attributes() >> bit & 1) != 0; }
    [[nodiscard]] static std::int64_t plus(std::int64_t offset, std::int32_t delta) noexcept {
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(offset) +
                                         static_cast<std::uint64_t>(std::int64_t{delta}));
    }

    const std::byte* data_ = nullptr;
    std::uint32_t size_ = 0;
    // cost: a copy of the byte, so that one test of the format serves all accessors after it; compilers
    // cannot know that the byte itself does not change in between. Reading all fields takes 112 instructions
    // and not 146 with GCC, 126 and not 185 with Clang.
    std::int8_t magic_ = 0;
};

// Found by qualified calls too.
[[nodiscard]] std::span<const std::byte> bytes_of(const batch_view& batch) noexcept;

/// A view of a batch whose bytes may be changed in place.
///
/// Precondition of each change: no one else reads the bytes at the same time. Valid while the bytes are.
class mutable_batch {
public:
    /// Shows no batch; assign to it before use.
    mutable_batch() noexcept = default;

    /// The same batch, read-only.
    [[nodiscard]] operator batch_view() const noexcept;

    /// Sets the offset field, which the checksum does not cover. In magic 0 and 1 it is the offset of the
    /// message, or of the last message in a wrapper; the messages in a wrapper of magic 0 keep their absolute
    /// offsets.
    void set_base_offset(std::int64_t offset) const noexcept {
        overlay_trusted<detail::batch_prefix>(data_).offset = offset;
    }
    /// Sets the epoch of the leader that appends the batch, which the checksum does not cover. No effect on
    /// magic 0 and 1, which have no such field.
    void set_partition_leader_epoch(std::int32_t epoch) const noexcept {
        if (overlay_trusted<detail::batch_prefix>(data_).magic == 2)
            overlay_trusted<batch_header>(data_).partition_leader_epoch = epoch;
    }

    /// The bytes of the batch with its header. A change after the first 17 bytes invalidates the checksum;
    /// see patch.hpp.
    [[nodiscard]] friend std::span<std::byte> writable_bytes_of(const mutable_batch& batch) noexcept {
        return {batch.data_, batch.size_};
    }
    /// The bytes of the batch with its header, read-only.
    [[nodiscard]] friend std::span<const std::byte> bytes_of(const mutable_batch& batch) noexcept {
        return {batch.data_, batch.size_};
    }

private:
    friend struct detail::batch_access;

    mutable_batch(std::byte* data, std::uint32_t size) noexcept : data_(data), size_(size) {}

    std::byte* data_ = nullptr;
    std::uint32_t size_ = 0;
};

namespace detail {

/// The only way to make batches. Precondition: a whole batch of `size` bytes is at `data`.
struct batch_access {
    static batch_view make(const std::byte* data, std::uint32_t size) noexcept { return {data, size}; }
    static mutable_batch make(std::byte* data, std::uint32_t size) noexcept { return {data, size}; }
    static const std::byte* pointer_of(const batch_view& batch) noexcept { return batch.data_; }
    static std::byte* pointer_of(const mutable_batch& batch) noexcept { return batch.data_; }
};

/// In place of a size, where there is a defect: larger than any batch.
inline constexpr std::uint32_t no_batch = 0xffffffff;

/// The error for an extent without a whole batch, which begins at `offset`.
[[nodiscard]] inline error batch_error(const batch_extent& extent, std::uint64_t offset,
                                       std::uint64_t left) noexcept {
    if (!extent.defect)
        return {.code = errc::truncated, .offset = offset, .needed = extent.needed, .left = left};
    // Two fields can be wrong: the length, at byte 8, and the magic, at byte 16.
    error e{.code = *extent.defect, .offset = offset + (*extent.defect == errc::unknown_magic ? 16u : 8u)};
    e.enter({*extent.defect == errc::unknown_magic ? "magic" : "batch_length"});
    return e;
}

} // namespace detail

inline mutable_batch::operator batch_view() const noexcept {
    if (data_ == nullptr) return {};
    return detail::batch_access::make(static_cast<const std::byte*>(data_), size_);
}

/// The bytes after the header of a batch of magic 2, compressed or not; empty for magic 0 and 1, where the
/// message is the batch. Valid while the batch is.
[[nodiscard]] inline std::span<const std::byte> records_bytes(const batch_view& batch) noexcept {
    return batch.is_legacy() ? std::span<const std::byte>() : bytes_of(batch).subspan(sizeof(batch_header));
}

/// The batch at the start of `bytes`, which may continue after it; valid while they are.
///
/// Errors: truncated if the batch is not whole, with the bytes needed (at least) and left; unknown_magic,
/// bad_batch_length.
[[nodiscard]] inline expected<batch_view, error> batch_at(std::span<const std::byte> bytes) noexcept {
    const auto extent = detail::measure_batch(bytes.data(), bytes.size());
    if (extent.size == 0) return unexpected{detail::batch_error(extent, 0, bytes.size())};
    return detail::batch_access::make(bytes.data(), extent.size);
}
template <detail::temporary_owner Owner>
expected<batch_view, error> batch_at(Owner&& bytes) = delete;
/// As batch_at, for bytes that may be changed.
[[nodiscard]] inline expected<mutable_batch, error> mutable_batch_at(std::span<std::byte> bytes) noexcept {
    const auto extent = detail::measure_batch(bytes.data(), bytes.size());
    if (extent.size == 0) return unexpected{detail::batch_error(extent, 0, bytes.size())};
    return detail::batch_access::make(bytes.data(), extent.size);
}

/// Where the whole batches of a records field end, and why.
struct batches_tail {
    std::uint64_t offset = 0;  ///< bytes of the whole batches before it
    std::uint64_t left = 0;    ///< bytes from there on; 0 if nothing follows the last whole batch
    std::uint64_t missing = 0; ///< how many bytes the batch that is cut short lacks, at least; 0 if none is
    std::optional<error>
        defect{}; ///< set if what follows is not a valid batch: bad_batch_length, unknown_magic

    /// Whether the last batch is cut short: usual in a Fetch response, because of its maximum size; an error
    /// in Produce.
    [[nodiscard]] bool truncated() const noexcept { return missing != 0; }
    /// The error for callers that require whole batches only: the defect, or truncated for a batch that is
    /// cut short; nullopt if no bytes are left.
    [[nodiscard]] std::optional<error> refusal() const noexcept {
        if (left == 0 || defect) return defect;
        return error{.code = errc::truncated, .offset = offset, .needed = left + missing, .left = left};
    }
};

/// A batch that a loop over record_batches has reached, or what is there instead of one.
///
/// Used like a kwire::expected: test it, then `*` and `->` give the batch and error() the reason. Only the
/// last element of a loop can be an error.
template <class Batch>
class [[nodiscard]] batch_result {
public:
    [[nodiscard]] bool has_value() const noexcept { return size_ != detail::no_batch; }
    [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }

    /// The batch. Aborts if there is none: bytes that check_batches has accepted need no test.
    [[nodiscard]] Batch operator*() const noexcept {
        if (!has_value()) [[unlikely]]
            std::abort();
        return detail::batch_access::make(at_, size_);
    }
    [[nodiscard]] Batch value() const noexcept { return **this; }
    /// For one call: `batch->next_offset()`.
    [[nodiscard]] auto operator->() const noexcept {
        struct arrow {
            Batch batch;
            const Batch* operator->() const noexcept { return &batch; }
        };
        return arrow{**this};
    }
    /// Where it begins in the records field, in bytes.
    [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
    /// Why there is no batch: unknown_magic or bad_batch_length, with the offset in the records field. Aborts
    /// if there is one.
    [[nodiscard]] kwire::error error() const noexcept {
        if (has_value()) std::abort();
        return detail::batch_error(detail::measure_batch(at_, left_), offset_, left_);
    }

private:
    using byte_pointer = decltype(detail::batch_access::pointer_of(std::declval<Batch>()));
    template <class Byte>
        requires std::is_same_v<std::remove_const_t<Byte>, std::byte>
    friend class basic_record_batches;

    batch_result(byte_pointer at, std::uint32_t size, std::uint64_t offset, std::uint64_t left) noexcept
        : at_(at), size_(size), offset_(offset), left_(left) {}

    byte_pointer at_;
    std::uint32_t size_; ///< no_batch for a defect
    std::uint64_t offset_, left_;
};

/// The batches of a records field, as a forward range that finds each batch on the way and never reads past
/// the end.
///
/// An element is a batch_result: where the bytes are not a batch, the loop has an error as its last element,
/// so that it cannot be taken for the end. A last batch that is cut short, as it is usual in Fetch responses,
/// just ends the loop: tail() tells, and check_batches refuses it. `Byte` is const std::byte or std::byte,
/// the batches are batch_view or mutable_batch. Valid while the bytes are.
template <class Byte>
    requires std::is_same_v<std::remove_const_t<Byte>, std::byte>
class basic_record_batches {
public:
    using value_type = batch_result<std::conditional_t<std::is_const_v<Byte>, batch_view, mutable_batch>>;

    class iterator : public detail::forward_iterator<iterator, value_type> {
        friend detail::forward_iterator<iterator, value_type>;
        friend class basic_record_batches;

    public:
        iterator() noexcept = default;

    private:
        explicit iterator(std::span<Byte> bytes) noexcept
            : at_(bytes.data()), left_(bytes.size()), total_(left_), size_(measured()) {}

        [[nodiscard]] basic_record_batches::value_type current() const noexcept {
            return {at_, size_, total_ - left_, left_};
        }
        void advance() noexcept {
            if (size_ == detail::no_batch) [[unlikely]] {
                size_ = 0;
                return;
            }
            at_ += size_;
            left_ -= size_;
            size_ = measured();
        }
        [[nodiscard]] bool done() const noexcept { return size_ == 0; }
        [[nodiscard]] bool same_place(const iterator& other) const noexcept {
            return left_ == other.left_ && size_ == other.size_;
        }
        [[nodiscard]] std::uint32_t measured() const noexcept {
            const auto extent = detail::measure_batch(at_, left_);
            return extent.size == 0 && extent.defect ? detail::no_batch : extent.size;
        }

        Byte* at_ = nullptr;
        std::uint64_t left_ = 0;
        std::uint64_t total_ = 0;
        std::uint32_t size_ = 0; ///< of the batch here; no_batch at a defect, 0 at the end
    };
    using const_iterator = iterator;

    /// The range of a null records field: no batches.
    basic_record_batches() noexcept = default;
    explicit basic_record_batches(std::span<Byte> bytes) noexcept : bytes_(bytes), null_(false) {}

    [[nodiscard]] iterator begin() const noexcept { return iterator(bytes_); }
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

    /// Whether the field was null, which is not the same as empty.
    [[nodiscard]] bool is_null() const noexcept { return null_; }
    /// Whether a loop has no element: neither a whole batch nor a defect.
    [[nodiscard]] bool empty() const noexcept { return begin() == end(); }

    /// What follows the last whole batch; reads the header of each.
    [[nodiscard]] batches_tail tail() const noexcept {
        auto i = begin();
        while (i != end()) ++i;
        return tail(i);
    }
    /// The same, without reading the headers again. Precondition: `at_end` is the iterator of a loop that has
    /// reached end().
    [[nodiscard]] batches_tail tail(const iterator& at_end) const noexcept {
        batches_tail tail{.offset = bytes_.size() - at_end.left_, .left = at_end.left_};
        if (tail.left == 0) return tail;
        const auto extent = detail::measure_batch(at_end.at_, at_end.left_);
        if (extent.defect)
            tail.defect = detail::batch_error(extent, tail.offset, tail.left);
        else
            tail.missing = extent.needed - tail.left;
        return tail;
    }

    /// All bytes of the field, the tail included.
    [[nodiscard]] friend std::span<Byte> bytes_of(const basic_record_batches& batches) noexcept {
        return batches.bytes_;
    }

private:
    std::span<Byte> bytes_;
    bool null_ = true;
};

/// The batches of a records field, read-only.
using record_batch_range = basic_record_batches<const std::byte>;

/// The batches in `bytes`, which must outlive the range; see basic_record_batches.
[[nodiscard]] inline record_batch_range record_batches(std::span<const std::byte> bytes) noexcept {
    return record_batch_range(bytes);
}
/// The same for a records field that may be null: null holds no batches.
template <class Records>
    requires std::is_same_v<Records, std::optional<std::span<const std::byte>>>
[[nodiscard]] inline record_batch_range record_batches(const Records& records) noexcept {
    return records ? record_batch_range(*records) : record_batch_range();
}
/// Deleted for temporary owners of bytes, whose bytes would be gone before the loop.
template <detail::temporary_owner Owner>
record_batch_range record_batches(Owner&& bytes) = delete;

/// The batches in `bytes`, to be changed in place; `bytes` must outlive the range.
[[nodiscard]] inline basic_record_batches<std::byte>
mutable_record_batches(std::span<std::byte> bytes) noexcept {
    return basic_record_batches<std::byte>(bytes);
}

} // namespace kwire
