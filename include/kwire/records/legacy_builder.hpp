/// Writes message sets of magic 0 and 1, for peers older than Kafka 0.11.
///
///     kwire::legacy_builder builder({.magic = 1});
///     if (!builder.append({.timestamp = now, .key = key, .value = value})) send_and_begin_anew();
///     kwire::shared_buffer set = std::move(builder).finish();         // message after message
///     auto wrapped = std::move(builder).finish(gzip);                 // or: all of them in one wrapper
///
/// Layout: the guide to Kafka's protocol; KIP-31 for relative offsets, KIP-32 for timestamps.
#pragma once

#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/detail/config.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/detail/record_to_write.hpp>
#include <kwire/wire/detail/crc32_tables.hpp>
#include <kwire/wire/endian.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace kwire::inline KWIRE_ABI {

/// The format and limits of a message set to write.
struct legacy_options {
    std::int8_t magic = 1;        ///< 0 or 1
    std::int64_t base_offset = 0; ///< of the first message
    /// ms; sets the timestamp type log_append_time, and replaces the timestamps of all messages (KIP-32).
    /// Ignored in magic 0, which has no timestamps.
    std::optional<std::int64_t> append_time{};
    /// The largest size of the set in bytes, both before and after compression.
    std::size_t max_bytes = 1048588;
    /// How many bytes to allocate with the first message.
    std::size_t expected_bytes = 16384;
};

/// Builds a message set of magic 0 or 1, uncompressed or in one compressed wrapper.
///
/// Move-only; a moved-from builder is empty, with the same options. A record that is refused changes nothing.
/// A failed allocation throws std::bad_alloc and changes nothing. Threads: one at a time.
class legacy_builder {
public:
    legacy_builder() noexcept = default;
    /// Aborts if the magic is neither 0 nor 1.
    explicit legacy_builder(const legacy_options& options) noexcept : options_(options) {
        detail::require(options.magic == 0 || options.magic == 1);
    }
    legacy_builder(legacy_builder&& other) noexcept
        : options_(other.options_), set_(std::exchange(other.set_, {})) {}
    legacy_builder& operator=(legacy_builder&& other) noexcept {
        options_ = other.options_;
        set_ = std::exchange(other.set_, {});
        return *this;
    }
    ~legacy_builder() = default;

    /// Appends a record as one message and copies its key and value; finish() counts the bytes in
    /// copied_bytes().
    ///
    /// Errors: field_not_in_version for headers, which these formats lack; too_large if the set would exceed
    /// max_bytes; bad_value, with the path `offset`, if the offset does not rise.
    [[nodiscard]] expected<void, error> append(const record_to_write& record) {
        if (!record.headers.empty()) return refused(errc::field_not_in_version, "headers");
        const std::int64_t offset = record.offset.value_or(next_offset());
        if (offset < next_offset() || offset == std::numeric_limits<std::int64_t>::max())
            return refused(errc::bad_value, "offset");
        const std::uint64_t whole = size_of(record);
        if (whole > room_left())
            return unexpected{
                error{.code = errc::too_large, .needed = whole, .left = room_left(), .located = false}};

        const auto size = static_cast<std::size_t>(whole);
        if (set_.bytes.capacity() == 0) set_.bytes.reserve(std::max(size, options_.expected_bytes));
        set_.bytes.reserve(size);
        const std::int64_t timestamp = options_.append_time.value_or(record.timestamp);
        write_message(set_.bytes.spare().data(), size, offset, timestamp, record);
        set_.bytes.commit(size);
        if (set_.count == 0) set_.first_offset = offset;
        if (set_.count == 0 || timestamp > set_.max_timestamp) set_.max_timestamp = timestamp;
        set_.next_offset = offset + 1;
        ++set_.count;
        return {};
    }

    /// Whether append would accept this record, apart from its offset.
    [[nodiscard]] bool has_room_for(const record_to_write& record) const noexcept {
        return record.headers.empty() && size_of(record) <= room_left();
    }

    /// The size in bytes of the uncompressed set so far.
    [[nodiscard]] std::size_t size() const noexcept { return set_.bytes.size(); }
    /// How many records were appended since the builder was made or reset.
    [[nodiscard]] std::uint32_t record_count() const noexcept { return set_.count; }
    /// The smallest offset that append accepts.
    [[nodiscard]] std::int64_t next_offset() const noexcept {
        return set_.next_offset.value_or(options_.base_offset);
    }
    /// Whether the set has no messages.
    [[nodiscard]] bool empty() const noexcept { return set_.count == 0; }

    /// The uncompressed messages with their offsets; empty without messages. Resets the builder.
    [[nodiscard]] shared_buffer finish() && {
        message_set done = std::exchange(set_, {});
        detail::count_copied(done.bytes.size());
        return std::move(done.bytes).freeze();
    }

    /// The messages in one compressed wrapper; empty without messages, because Kafka refuses an empty
    /// wrapper. `codec` is a kwire::codec (<kwire/compression/codec.hpp>).
    ///
    /// Resets the builder. The wrapper has the offset of the last message and, in magic 1, the largest
    /// timestamp. The offsets inside are absolute in magic 0 and relative to the first message in magic 1
    /// (KIP-31). Errors, after which the builder has not changed: unsupported_compression for zstd (KIP-110);
    /// bad_value, with the path `offset`, in magic 1 if the first offset is negative, because readers would
    /// misunderstand the wrapper's offset; too_large if the wrapper would exceed max_bytes; the codec's own
    /// error.
    template <record_codec Codec>
    [[nodiscard]] expected<shared_buffer, error> finish(Codec& codec) && {
        const compression_type type = codec.type();
        if (type == compression_type::none || type > compression_type::lz4)
            return refused(errc::unsupported_compression, "attributes");
        if (empty()) return shared_buffer();
        if (options_.magic == 1 && set_.first_offset < 0) return refused(errc::bad_value, "offset");

        const std::size_t front = least_size(); // size of a wrapper up to its value
        unique_buffer out = unique_buffer::with_capacity(front + set_.bytes.size() / 2);
        out.commit(front);
        relative_offsets relative(*this); // a destructor, because the codec's buffers may throw
        const auto done = codec.compress_into(out, std::as_const(set_.bytes).span(), options_.magic);
        if (!done) return unexpected{done.error()};
        if (out.size() > limit())
            return unexpected{
                error{.code = errc::too_large, .needed = out.size(), .left = limit(), .located = false}};
        relative.done = true;
        std::byte* const p = out.data();
        std::byte* const key = p + detail::message_key_offset(options_.magic);
        wire::store_be(key, std::int32_t{-1}); // null
        wire::store_be(key + 4, static_cast<std::int32_t>(out.size() - front));
        write_front(p, out.size(), *set_.next_offset - 1, set_.max_timestamp,
                    static_cast<std::int8_t>(attributes() | static_cast<int>(type)));
        detail::count_copied(set_.bytes.size());
        set_ = {};
        return std::move(out).freeze();
    }

private:
    struct message_set {
        unique_buffer bytes;
        std::int64_t first_offset = 0;
        std::int64_t max_timestamp = -1;
        std::optional<std::int64_t> next_offset{}; ///< the smallest valid offset of the next message
        std::uint32_t count = 0;
    };

    /// Makes the offsets of a set of magic 1 relative to the first one, and absolute again unless `done`.
    struct relative_offsets {
        legacy_builder& builder;
        bool done = false;

        explicit relative_offsets(legacy_builder& b) noexcept : builder(b) { move(0 - base()); }
        ~relative_offsets() {
            if (!done) move(base());
        }
        relative_offsets(const relative_offsets&) = delete;
        relative_offsets& operator=(const relative_offsets&) = delete;

    private:
        [[nodiscard]] std::uint64_t base() const noexcept {
            return static_cast<std::uint64_t>(builder.set_.first_offset);
        }
        void move(std::uint64_t by) const noexcept {
            if (builder.options_.magic == 1) builder.move_offsets(by);
        }
    };

    [[nodiscard]] static unexpected<error> refused(errc code, std::string_view field) noexcept {
        error e{.code = code, .located = false};
        e.enter({field});
        return unexpected{e};
    }

    /// The size of a message whose key and value are null.
    [[nodiscard]] std::size_t least_size() const noexcept {
        return detail::batch_overhead + static_cast<std::size_t>(detail::least_batch_length(options_.magic));
    }
    [[nodiscard]] std::uint64_t size_of(const record_to_write& record) const noexcept {
        return std::uint64_t{least_size()} + (record.key ? record.key->size() : 0) +
               (record.value ? record.value->size() : 0);
    }
    /// The largest size of the set; every length inside a set of this size fits its field.
    [[nodiscard]] std::uint64_t limit() const noexcept {
        constexpr std::uint64_t largest = std::numeric_limits<std::int32_t>::max();
        return options_.max_bytes < largest ? options_.max_bytes : largest;
    }
    [[nodiscard]] std::uint64_t room_left() const noexcept { return size() < limit() ? limit() - size() : 0; }

    /// The attributes of all messages and, apart from the compression, of a wrapper around them.
    [[nodiscard]] std::int8_t attributes() const noexcept {
        return options_.append_time && options_.magic == 1 ? std::int8_t{8} : std::int8_t{0};
    }

    /// Writes the fields before the key of a message of `size` bytes, whose key and value are written
    /// already.
    void write_front(std::byte* p, std::size_t size, std::int64_t offset, std::int64_t timestamp,
                     std::int8_t attributes) const noexcept {
        auto& front = overlay_trusted<detail::message_prefix>(p);
        front.offset = offset;
        front.length = static_cast<std::int32_t>(size - detail::batch_overhead);
        front.magic = options_.magic;
        front.attributes = attributes;
        if (options_.magic == 1) front.timestamp = timestamp;
        front.crc = wire::crc32_ieee({p + offsetof(detail::message_prefix, magic), p + size});
    }
    void write_message(std::byte* p, std::size_t size, std::int64_t offset, std::int64_t timestamp,
                       const record_to_write& record) const noexcept {
        std::byte* at = p + detail::message_key_offset(options_.magic);
        for (const auto& bytes : {record.key, record.value}) {
            wire::store_be(at, bytes ? static_cast<std::int32_t>(bytes->size()) : std::int32_t{-1});
            at += 4;
            if (bytes) at = detail::put_short_bytes(at, bytes->data(), bytes->size());
        }
        write_front(p, size, offset, timestamp, attributes());
    }
    /// Adds `by` to the offset of each message, which its checksum does not cover.
    void move_offsets(std::uint64_t by) noexcept {
        for (const auto each : mutable_record_batches(set_.bytes.span())) {
            const mutable_batch message = *each;
            const std::int64_t before = batch_view(message).base_offset();
            message.set_base_offset(static_cast<std::int64_t>(static_cast<std::uint64_t>(before) + by));
        }
    }

    legacy_options options_;
    message_set set_;
};

} // namespace kwire::inline KWIRE_ABI
