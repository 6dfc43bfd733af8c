/// Writes a batch of magic 2, record by record, into one growing buffer that is then ready to be sent.
///
///     kwire::batch_builder builder({.producer_id = 42, .producer_epoch = 0, .base_sequence = 17});
///     if (!builder.append({.timestamp = now, .key = key, .value = kwire::bytes_of_text("paid")}))
///         send_and_begin_anew();
///     kwire::shared_buffer batch = std::move(builder).finish().to_bytes();   // one segment, not copied
///
/// Large values can be attached by reference: finish() then returns a chain of several segments.
/// finish(codec) compresses the records. Layout: KIP-98, headers KIP-82.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/buffer/detail/buffer_access.hpp>
#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/detail/config.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/detail/record_to_write.hpp>
#include <kwire/wire/crc32c.hpp>
#include <kwire/wire/text.hpp>
#include <kwire/wire/varint.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace kwire::inline KWIRE_ABI {

/// The header fields and limits of a batch to write. The defaults are those of a producer that is not
/// idempotent.
struct batch_options {
    std::int64_t base_offset = 0; ///< offset of the first record; a broker assigns it
    /// A broker sets it.
    std::int32_t partition_leader_epoch = -1;
    std::int64_t producer_id = -1;    ///< of an idempotent producer (KIP-98); -1 for none
    std::int16_t producer_epoch = -1; ///< -1 as above
    std::int32_t base_sequence = -1;  ///< sequence number of the first record; -1 as above
    bool is_transactional = false;    ///< part of a transaction (KIP-98)
    bool is_control = false;          ///< markers, not data: see control_builder.hpp
    /// ms; sets the timestamp type log_append_time, and replaces the timestamps of all records (KIP-32).
    std::optional<std::int64_t> append_time{};
    /// ms; sets base_timestamp, to which the timestamps of the records are then relative (KIP-534).
    std::optional<std::int64_t> delete_horizon{};
    /// The largest size of the batch in bytes. The default is that of a broker's max.message.bytes.
    std::size_t max_bytes = 1048588;
    /// How many bytes to allocate with the first record; a good guess saves allocations and copies.
    std::size_t expected_bytes = 16384;
};

/// Builds one batch of magic 2.
///
/// Move-only; a moved-from builder is empty, with the same options. A record that is refused changes nothing.
/// A failed allocation throws std::bad_alloc (aborts under -fno-exceptions) and changes nothing. Threads: one
/// at a time.
class batch_builder {
public:
    batch_builder() noexcept = default;
    /// A builder of a batch with these options; allocates nothing.
    explicit batch_builder(const batch_options& options) noexcept : options_(options) {}
    batch_builder(batch_builder&& other) noexcept : options_(other.options_) { swap(other); }
    batch_builder& operator=(batch_builder&& other) noexcept {
        batch_builder taken(std::move(other));
        swap(taken);
        return *this;
    }
    ~batch_builder() = default;

    /// Appends a record and copies its key, value and headers; finish() counts the bytes in copied_bytes().
    ///
    /// Errors: too_large if the batch would exceed max_bytes, or a length its field; bad_value, with the path
    /// `offset`, if the offset does not rise or is more than 2^31 - 1 above the first one.
    // cost: inlined, 1.5 kB per call; a call takes half as long again.
    [[nodiscard]] KWIRE_ALWAYS_INLINE expected<void, error> append(const record_to_write& record) {
        if (write_if_roomy(record)) [[likely]]
            return {};
        const record_to_write kept = record; // lets the compiler keep the caller's record in registers
        return append_measured(kept);
    }

    /// Appends a record with `value` attached by reference, which pays from a few KiB on; `record.value` is
    /// ignored. Errors: as above.
    [[nodiscard]] expected<void, error> append(const record_to_write& record, shared_buffer value) {
        const measured sizes = measure(record, static_cast<std::int64_t>(value.size()));
        if (sizes.whole > room_left()) return unexpected{refusal(sizes)};
        const std::size_t size = value.size();
        if (attached_.size() == attached_.capacity()) attached_.reserve(2 * attached_.size() + 4);
        make_room(static_cast<std::size_t>(sizes.whole) - size);
        std::byte* p = write_front(at_, record, sizes);
        p = detail::put_short_varint(p, static_cast<std::int64_t>(size));
        if (size != 0) {
            attached_.push_back({static_cast<std::size_t>(p - bytes_.data()), std::move(value)});
            attached_bytes_ += size;
        }
        at_ = write_headers(p, record.headers);
        limit_room();
        appended(record.timestamp, sizes.offset_delta);
        return {};
    }

    /// Whether append would accept this record.
    [[nodiscard]] bool has_room_for(const record_to_write& record) const noexcept {
        return measure(record, value_size(record)).whole <= room_left();
    }

    /// The size of the batch so far in bytes, header included; that of the header before the first record.
    [[nodiscard]] std::size_t size() const noexcept { return own_size() + attached_bytes_; }
    /// How many records were appended since the builder was made or reset.
    [[nodiscard]] std::int32_t record_count() const noexcept { return count_; }
    /// Whether the batch has no records.
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

    /// The batch with its checksum, in one segment if no value was attached. Resets the builder.
    ///
    /// Without records: an empty batch as compaction leaves it, whose last offset is its first.
    [[nodiscard]] buffer_chain finish() && {
        fill_to_cursor();
        write_checked_header();
        buffer_chain chain; // all memory that it takes first: a failure then leaves the builder as it was
        chain.reserve_segments(2 * attached_.size() + 1);
        count_written();
        batch_builder spent = std::move(*this);
        const shared_buffer all = std::move(spent.bytes_).freeze();
        std::size_t from = 0;
        for (attachment& each : spent.attached_) {
            chain.put_bytes(detail::buffer_access::slice(all, from, each.at - from));
            chain.put_bytes(std::move(each.bytes));
            from = each.at;
        }
        chain.put_bytes(detail::buffer_access::slice(all, from, all.size() - from));
        return chain;
    }

    /// The batch with its records compressed; `codec` is a kwire::codec (<kwire/compression/codec.hpp>).
    ///
    /// Resets the builder. Attached values are copied for the codec, and counted in copied_bytes(). An empty
    /// batch is not compressed, as in Kafka. Errors, after which the builder has not changed, so that
    /// finish() without a codec is still possible: too_large if the compressed batch exceeds max_bytes; the
    /// codec's own error.
    template <record_codec Codec>
    [[nodiscard]] expected<shared_buffer, error> finish(Codec& codec) && {
        if (empty()) return std::move(*this).finish().to_bytes();
        fill_to_cursor();
        unique_buffer joined;
        if (!attached_.empty()) joined = joined_from(sizeof(batch_header));
        const auto plain = attached_.empty() ? std::as_const(bytes_).span().subspan(sizeof(batch_header))
                                             : std::as_const(joined).span();
        unique_buffer out = unique_buffer::with_capacity(sizeof(batch_header) + plain.size() / 2);
        out.commit(sizeof(batch_header));
        if (const auto done = codec.compress_into(out, plain, std::int8_t{2}); !done)
            return unexpected{done.error()};
        if (out.size() > limit())
            return unexpected{
                error{.code = errc::too_large, .needed = out.size(), .left = limit(), .located = false}};
        batch_header& header = overlay_trusted<batch_header>(out.data());
        write_header(header, out.size());
        header.attributes =
            static_cast<std::int16_t>(header.attributes | static_cast<std::int16_t>(codec.type()));
        header.crc = crc32c(std::as_const(out).span().subspan(offsetof(batch_header, attributes)));
        count_written();
        batch_builder spent = std::move(*this);
        return std::move(out).freeze();
    }

    /// The batch with its checksum in writable memory, for changes in place (see patch.hpp). Resets the
    /// builder. Attached values are copied, and counted in copied_bytes().
    [[nodiscard]] unique_buffer finish_writable() && {
        fill_to_cursor();
        write_checked_header();
        unique_buffer whole;
        if (!attached_.empty()) whole = joined_from(0);
        count_written();
        batch_builder spent = std::move(*this);
        return spent.attached_.empty() ? std::move(spent.bytes_) : std::move(whole);
    }

private:
    static constexpr std::byte null_length{1}; // -1
    static constexpr std::uint64_t largest =
        std::numeric_limits<std::int32_t>::max(); ///< of any length field
    static constexpr std::uint64_t bad_offset = ~std::uint64_t{0};
    static constexpr std::uint64_t least_body = 6; ///< attributes and five varints of a byte each
    /// What the record's length, the deltas, the lengths of key and value and the count of headers can take
    /// beyond that.
    static constexpr std::uint64_t most_beyond = 5 + 9 + 4 + 4 + 4 + 4;
    static constexpr std::uint64_t most_of_header = 5 + 5; ///< its two lengths

    struct attachment {
        std::size_t at; ///< in bytes_: the value comes before the byte there
        shared_buffer bytes;
    };

    struct measured {
        std::uint64_t whole; ///< bytes of the record with its length; bad_offset if the offset is the reason
                             ///< to refuse it
        std::int32_t length; ///< the value of its length field
        std::int32_t offset_delta;
        std::int64_t timestamp_delta;
    };

    /// Writes the record in one pass if there is room for the longest form of all its numbers; otherwise
    /// returns false, and nothing has changed.
    [[nodiscard]] KWIRE_ALWAYS_INLINE bool write_if_roomy(const record_to_write& record) noexcept {
        const auto room = static_cast<std::uint64_t>(end_ - at_); // less than 2^31; 0 before the first record
        if (room < least_body + most_beyond) [[unlikely]]
            return false;
        const std::uint64_t spare = room - least_body - most_beyond;
        // No sum can overflow: four sizes of objects in memory at most, plus less than 2^32.
        std::uint64_t most =
            (record.key ? record.key->size() : 0) + (record.value ? record.value->size() : 0);
        if (!record.headers.empty()) most += most_of_headers(record.headers, spare);
        const std::uint64_t delta = offset_delta(record);
        if (most > spare || delta < next_delta_ || delta > largest) [[unlikely]]
            return false;

        // The length comes first but is known last. Its size is that of the smallest record's length in most
        // cases.
        const std::uint64_t least = least_body + most - most_of_header * record.headers.size();
        const std::size_t guessed = least < 64 ? 1 : least < 8192 ? 2 : length_size(least);
        std::byte* const body = at_ + guessed;
        *body = std::byte{0}; // attributes: all unused
        std::byte* p = detail::put_short_varint(
            body + 1,
            static_cast<std::int64_t>(static_cast<std::uint64_t>(record.timestamp) - base_timestamp_));
        p = detail::put_short_varint(p, static_cast<std::int64_t>(delta));
        p = write_nullable(p, record.key);
        p = write_nullable(p, record.value);
        if (record.headers.empty())
            *p++ = std::byte{0};
        else
            p = write_headers(p, record.headers);
        const auto size = static_cast<std::uint64_t>(p - body);
        if (size >= std::uint64_t{1} << (7 * guessed - 1)) [[unlikely]]
            p = move_body(body, size);
        detail::put_short_varint(at_, static_cast<std::int64_t>(size));
        at_ = p;
        appended(record.timestamp, static_cast<std::int32_t>(delta));
        return true;
    }

    /// The most bytes that the headers can take, or more than `spare` if that is too little.
    [[nodiscard]] KWIRE_NOINLINE static std::uint64_t most_of_headers(std::span<const header_view> headers,
                                                                      std::uint64_t spare) noexcept {
        std::uint64_t most = 0;
        for (const header_view& header : headers) {
            most += most_of_header + header.name.size() + (header.value ? header.value->size() : 0);
            if (most > spare) break;
        }
        return most;
    }

    /// Moves the body to make room for a longer length; returns the end of the body.
    KWIRE_COLD std::byte* move_body(std::byte* body, std::uint64_t size) noexcept {
        std::byte* const right = at_ + length_size(size);
        std::memmove(right, body, static_cast<std::size_t>(size));
        return right + size;
    }

    /// Appends the first record, a record that needs memory, and one that is refused or nearly so.
    [[nodiscard]] KWIRE_NOINLINE expected<void, error> append_measured(const record_to_write& record) {
        const measured sizes = measure(record, value_size(record));
        if (sizes.whole > room_left()) [[unlikely]]
            return unexpected{refusal(sizes)};
        make_room(static_cast<std::size_t>(sizes.whole));
        std::byte* p = write_front(at_, record, sizes);
        p = write_nullable(p, record.value);
        at_ = write_headers(p, record.headers);
        appended(record.timestamp, sizes.offset_delta);
        return {};
    }

    [[nodiscard]] KWIRE_COLD error refusal(const measured& sizes) const noexcept {
        if (sizes.whole != bad_offset)
            return {.code = errc::too_large, .needed = sizes.whole, .left = room_left(), .located = false};
        error e{.code = errc::bad_value, .located = false};
        e.enter({"offset"});
        return e;
    }

    [[nodiscard]] static std::int64_t value_size(const record_to_write& record) noexcept {
        return record.value ? static_cast<std::int64_t>(record.value->size()) : -1;
    }
    [[nodiscard]] static std::size_t length_size(std::uint64_t size) noexcept {
        return wire::varint_size(static_cast<std::int64_t>(size));
    }
    /// The bytes of a length field and of what it counts; no length field holds more than 2^31 - 1.
    [[nodiscard]] static std::uint64_t sized(std::uint64_t size) noexcept { return length_size(size) + size; }

    [[nodiscard]] KWIRE_ALWAYS_INLINE std::uint64_t
    offset_delta(const record_to_write& record) const noexcept {
        if (!record.offset) return next_delta_;
        return static_cast<std::uint64_t>(*record.offset) - static_cast<std::uint64_t>(options_.base_offset);
    }

    /// `value` is the size of the value, -1 for null.
    [[nodiscard]] measured measure(const record_to_write& record, std::int64_t value) const noexcept {
        measured out{};
        const std::uint64_t delta = offset_delta(record);
        if (delta < next_delta_ || delta > largest) [[unlikely]] {
            out.whole = bad_offset;
            return out;
        }
        out.offset_delta = static_cast<std::int32_t>(delta);
        out.timestamp_delta = static_cast<std::int64_t>(
            static_cast<std::uint64_t>(record.timestamp) -
            (count_ != 0 ? base_timestamp_ : static_cast<std::uint64_t>(first_base(record.timestamp))));

        // No sum can overflow: each size is that of an object in memory, and the loop ends above `largest`.
        std::uint64_t body = 1 + wire::varint_size(out.timestamp_delta) + wire::varint_size(out.offset_delta);
        body += record.key ? sized(record.key->size()) : 1;
        body += value >= 0 ? sized(static_cast<std::uint64_t>(value)) : 1;
        body += length_size(record.headers.size());
        for (const header_view& header : record.headers) {
            if (body > largest) break;
            body += sized(header.name.size()) + (header.value ? sized(header.value->size()) : 1);
        }
        out.whole = sized(body);
        out.length = static_cast<std::int32_t>(body); // used only if the record fits the batch
        return out;
    }

    /// The largest size of the batch; every length inside a batch of this size fits its field.
    [[nodiscard]] std::uint64_t limit() const noexcept {
        return options_.max_bytes < largest ? options_.max_bytes : largest;
    }
    [[nodiscard]] std::uint64_t room_left() const noexcept { return size() < limit() ? limit() - size() : 0; }
    [[nodiscard]] std::size_t own_size() const noexcept {
        return at_ == nullptr ? sizeof(batch_header) : static_cast<std::size_t>(at_ - bytes_.data());
    }

    [[nodiscard]] std::int64_t first_base(std::int64_t timestamp) const noexcept {
        return options_.delete_horizon.value_or(timestamp);
    }

    /// Commits to bytes_ what was written. The header, which finish() writes, counts from the first record
    /// on.
    void fill_to_cursor() {
        if (at_ == nullptr) make_room(0);
        bytes_.commit(own_size() - bytes_.size());
    }
    void make_room(std::size_t size) {
        if (at_ == nullptr) {
            const std::size_t needed = sizeof(batch_header) + size;
            bytes_ = unique_buffer::with_capacity(options_.expected_bytes > needed ? options_.expected_bytes
                                                                                   : needed);
            at_ = bytes_.data() + sizeof(batch_header);
        } else if (size > bytes_.capacity() - own_size()) {
            fill_to_cursor();
            bytes_.reserve(size);
            at_ = bytes_.data() + bytes_.size();
        }
        limit_room();
    }
    /// Sets end_ to the end of the memory or of the largest batch, whichever is first.
    void limit_room() noexcept {
        const std::uint64_t left = room_left();
        const std::size_t spare = bytes_.capacity() - own_size();
        end_ = at_ + (left < spare ? static_cast<std::size_t>(left) : spare);
    }

    [[nodiscard]] KWIRE_ALWAYS_INLINE static std::byte* put(std::byte* p,
                                                            std::span<const std::byte> bytes) noexcept {
        return detail::put_short_bytes(p, bytes.data(), bytes.size()); // counted by finish()
    }
    [[nodiscard]] KWIRE_ALWAYS_INLINE static std::byte*
    write_nullable(std::byte* p, const std::optional<std::span<const std::byte>>& bytes) noexcept {
        if (!bytes) {
            *p = null_length;
            return p + 1;
        }
        return put(detail::put_short_varint(p, static_cast<std::int64_t>(bytes->size())), *bytes);
    }
    /// Writes a record from its length to its key.
    [[nodiscard]] static std::byte* write_front(std::byte* p, const record_to_write& record,
                                                const measured& sizes) noexcept {
        p = wire::write_varint(p, sizes.length);
        *p++ = std::byte{0};
        p = wire::write_varint(p, sizes.timestamp_delta);
        p = wire::write_varint(p, sizes.offset_delta);
        return write_nullable(p, record.key);
    }
    [[nodiscard]] KWIRE_NOINLINE static std::byte*
    write_headers(std::byte* p, std::span<const header_view> headers) noexcept {
        p = detail::put_short_varint(p, static_cast<std::int64_t>(headers.size()));
        for (const header_view& header : headers) {
            p = detail::put_short_varint(p, static_cast<std::int64_t>(header.name.size()));
            p = put(p, bytes_of_text(header.name));
            p = write_nullable(p, header.value);
        }
        return p;
    }

    KWIRE_ALWAYS_INLINE void appended(std::int64_t timestamp, std::int32_t delta) noexcept {
        if (count_ == 0) [[unlikely]] {
            base_timestamp_ = static_cast<std::uint64_t>(first_base(timestamp));
            max_timestamp_ = timestamp;
        }
        if (timestamp > max_timestamp_) max_timestamp_ = timestamp;
        next_delta_ = static_cast<std::uint64_t>(delta) + 1;
        ++count_;
    }

    void write_header(batch_header& header, std::size_t size) const noexcept {
        header.base_offset = options_.base_offset;
        header.batch_length = static_cast<std::int32_t>(size - detail::batch_overhead);
        header.partition_leader_epoch = options_.partition_leader_epoch;
        header.magic = 2;
        header.attributes =
            static_cast<std::int16_t>((options_.append_time ? 8 : 0) | (options_.is_transactional ? 16 : 0) |
                                      (options_.is_control ? 32 : 0) | (options_.delete_horizon ? 64 : 0));
        header.last_offset_delta = count_ != 0 ? static_cast<std::int32_t>(next_delta_ - 1) : 0;
        header.base_timestamp = count_ != 0 ? static_cast<std::int64_t>(base_timestamp_) : first_base(-1);
        header.max_timestamp = options_.append_time ? *options_.append_time : max_timestamp_;
        header.producer_id = options_.producer_id;
        header.producer_epoch = options_.producer_epoch;
        header.base_sequence = options_.base_sequence;
        header.record_count = count_;
    }

    /// Writes the header of the uncompressed batch, with its checksum. Precondition: fill_to_cursor().
    void write_checked_header() noexcept {
        batch_header& header = overlay_trusted<batch_header>(bytes_.data());
        write_header(header, size());
        const auto own = std::as_const(bytes_).span();
        std::uint32_t crc = 0;
        std::size_t from = offsetof(batch_header, attributes);
        for (const attachment& each : attached_) {
            crc = crc32c_extend(crc, own.subspan(from, each.at - from));
            crc = crc32c_extend(crc, each.bytes.span());
            from = each.at;
        }
        header.crc = crc32c_extend(crc, own.subspan(from));
    }

    /// The bytes from `from` on with the attached values, in contiguous memory.
    [[nodiscard]] unique_buffer joined_from(std::size_t from) const {
        unique_buffer joined = unique_buffer::with_capacity(size() - from);
        const auto own = bytes_.span();
        for (const attachment& each : attached_) {
            joined.append(own.subspan(from, each.at - from));
            joined.append(each.bytes);
            from = each.at;
        }
        joined.append(own.subspan(from));
        return joined;
    }
    /// cost: one atomic addition for the batch instead of one for each key and value.
    void count_written() const noexcept { detail::count_copied(own_size() - sizeof(batch_header)); }

    void swap(batch_builder& other) noexcept {
        std::swap(options_, other.options_);
        bytes_.swap(other.bytes_);
        std::swap(at_, other.at_);
        std::swap(end_, other.end_);
        attached_.swap(other.attached_);
        std::swap(attached_bytes_, other.attached_bytes_);
        std::swap(next_delta_, other.next_delta_);
        std::swap(base_timestamp_, other.base_timestamp_);
        std::swap(max_timestamp_, other.max_timestamp_);
        std::swap(count_, other.count_);
    }

    batch_options options_;
    unique_buffer bytes_;     ///< header and records without the attached values; committed up to at_ or less
    std::byte* at_ = nullptr; ///< the position of the next record; null before the first
    std::byte* end_ = nullptr; ///< the end of the room that needs no check
    std::vector<attachment> attached_;
    std::size_t attached_bytes_ = 0;
    std::uint64_t next_delta_ = 0;
    std::uint64_t base_timestamp_ = 0;
    std::int64_t max_timestamp_ = -1;
    std::int32_t count_ = 0;
};

} // namespace kwire::inline KWIRE_ABI
