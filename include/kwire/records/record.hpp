/// One record, read in place: keys, values and headers are slices of the bytes of its batch.
///
/// Rules of magic 2: KIP-98 for the layout, KIP-82 for headers, KIP-32 for timestamps. Records come from
/// record_range.hpp, or from read.hpp if their batch may be compressed.
#pragma once

#include <kwire/detail/config.hpp>
#include <kwire/detail/forward_iterator.hpp>
#include <kwire/records/detail/parse_record.hpp>
#include <kwire/wire/varint.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

namespace kwire::inline KWIRE_ABI {

namespace detail {
struct record_access;
} // namespace detail

/// A header of a record: a name and a value, null or bytes (KIP-82).
struct header_view {
    std::string_view name; ///< UTF-8 by convention, not checked; may be empty, and may occur more than once
    std::optional<std::span<const std::byte>> value;
};

/// The headers of a record in their order, duplicate names included.
///
/// A forward range over checked bytes: nothing is read before the loop, and no header can fail. Valid while
/// the bytes of the batch are.
class header_range {
public:
    class iterator : public detail::forward_iterator<iterator, header_view> {
        friend detail::forward_iterator<iterator, header_view>;
        friend class header_range;

    public:
        iterator() noexcept = default;

    private:
        KWIRE_ALWAYS_INLINE iterator(const std::byte* at, std::int32_t left) noexcept
            : value_(at), left_(left) {
            if (left_ != 0) read();
        }

        [[nodiscard]] KWIRE_ALWAYS_INLINE header_view current() const noexcept {
            return {
                std::string_view(reinterpret_cast<const char*>(name_), static_cast<std::size_t>(name_size_)),
                detail::nullable_bytes(value_, value_size_)};
        }
        KWIRE_ALWAYS_INLINE void advance() noexcept {
            if (--left_ != 0) read();
        }
        [[nodiscard]] KWIRE_ALWAYS_INLINE bool done() const noexcept { return left_ == 0; }
        [[nodiscard]] KWIRE_ALWAYS_INLINE bool same_place(const iterator& other) const noexcept {
            return left_ == other.left_;
        }

        /// Reads the header that begins after the last value; each is read once.
        KWIRE_ALWAYS_INLINE void read() noexcept {
            const std::byte* const at = value_size_ > 0 ? value_ + value_size_ : value_;
            name_ = detail::read_size_trusted(at, name_size_);
            value_ = detail::read_size_trusted(name_ + name_size_, value_size_);
        }

        const std::byte* name_ = nullptr;
        const std::byte* value_ = nullptr;
        std::int32_t name_size_ = 0;
        std::int32_t value_size_ = 0;
        std::int32_t left_ = 0;
    };
    using const_iterator = iterator;

    /// No headers.
    header_range() noexcept = default;

    [[nodiscard]] KWIRE_ALWAYS_INLINE iterator begin() const noexcept { return {at_, count_}; }
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }
    [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(count_); }
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

private:
    friend class record_view;

    KWIRE_ALWAYS_INLINE header_range(const std::byte* at, std::int32_t count) noexcept
        : at_(at), count_(count) {}

    const std::byte* at_ = nullptr;
    std::int32_t count_ = 0;
};

/// A view of one record of any format; a small value, valid while the bytes of its batch are.
class record_view {
public:
    /// The offset in the partition. Wraps at the end of int64.
    [[nodiscard]] KWIRE_ALWAYS_INLINE std::int64_t offset() const noexcept { return offset_; }
    /// The timestamp in ms; if the broker sets timestamps, max_timestamp of the batch (KIP-32); -1 in magic
    /// 0, or if the producer gave none. Wraps at the end of int64.
    [[nodiscard]] KWIRE_ALWAYS_INLINE std::int64_t timestamp() const noexcept { return timestamp_; }
    /// The sequence number; 0 follows 2147483647. -1 if the producer was not idempotent (KIP-98).
    [[nodiscard]] KWIRE_ALWAYS_INLINE std::int32_t sequence() const noexcept { return sequence_; }
    /// The attribute bits of the record itself, all unused so far.
    [[nodiscard]] KWIRE_ALWAYS_INLINE std::int8_t attributes() const noexcept { return record_.attributes; }
    /// The key; nullopt for null, which is not the same as empty: compaction keeps no records without a key.
    [[nodiscard]] KWIRE_ALWAYS_INLINE std::optional<std::span<const std::byte>> key() const noexcept {
        return detail::nullable_bytes(record_.key, record_.key_size);
    }
    /// The value; nullopt for null, which marks the key as deleted.
    [[nodiscard]] KWIRE_ALWAYS_INLINE std::optional<std::span<const std::byte>> value() const noexcept {
        return detail::nullable_bytes(record_.value, record_.value_size);
    }
    /// The headers; none in magic 0 and 1.
    [[nodiscard]] KWIRE_ALWAYS_INLINE header_range headers() const noexcept {
        return {record_.headers, record_.header_count};
    }

private:
    friend detail::record_access;

    KWIRE_ALWAYS_INLINE record_view(const detail::parsed_record& record, std::int64_t offset,
                                    std::int64_t timestamp, std::int32_t sequence) noexcept
        : offset_(offset), timestamp_(timestamp), sequence_(sequence), record_(record) {}

    std::int64_t offset_;
    std::int64_t timestamp_;
    std::int32_t sequence_;
    detail::parsed_record record_;
};

} // namespace kwire::inline KWIRE_ABI
