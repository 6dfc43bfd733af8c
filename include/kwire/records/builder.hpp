/// Writes a batch of magic 2, record after record, into one growing buffer that is then ready to be sent.
///
///     kwire::batch_builder builder({.producer_id = 42, .producer_epoch = 0, .base_sequence = 17});
///     if (!builder.append({.timestamp = now, .key = key, .value = value})) send_and_begin_anew();
///     kwire::shared_buffer batch = std::move(builder).finish().to_bytes();   // the one segment, no copy
///
/// Large values can be attached by reference instead: finish() then gives a chain of several segments.
/// Layout: KIP-98, headers KIP-82.
#pragma once

#include <kwire/buffer.hpp>
#include <kwire/buffer_chain.hpp>
#include <kwire/detail/config.hpp>
#include <kwire/error.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/record.hpp>
#include <kwire/wire/crc32c.hpp>
#include <kwire/wire/varint.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace kwire {

/// What a batch is about to say of itself. The defaults are those of a producer that is not idempotent.
struct batch_options {
    std::int64_t base_offset = 0;
    std::int32_t partition_leader_epoch = -1;
    std::int64_t producer_id = -1;
    std::int16_t producer_epoch = -1;
    std::int32_t base_sequence = -1;
    bool is_transactional = false;
    bool is_control = false;
    /// ms; sets log_append_time, and counts for all records instead of their own timestamps.
    std::optional<std::int64_t> append_time{};
    /// ms; stands in base_timestamp, which the timestamps of the records then count from.
    std::optional<std::int64_t> delete_horizon{};
    /// Bytes that the whole batch may have: the default of a broker's max.message.bytes.
    std::size_t max_bytes = 1048588;
    /// Bytes to allocate at once at the first record; a good guess saves allocations and copies.
    std::size_t expected_bytes = 16384;
};

/// A record to be written. The bytes must be good during the call only.
struct record_to_write {
    std::optional<std::int64_t>
        offset{};                ///< the one behind the last record's if not set; leaves gaps if higher
    std::int64_t timestamp = -1; ///< ms
    std::optional<std::span<const std::byte>> key{};
    std::optional<std::span<const std::byte>> value{};
    std::span<const header_view> headers{};
};

/// Builds one uncompressed batch of magic 2.
///
/// Move-only. A record that is refused changes nothing. Memory that cannot be had throws std::bad_alloc (ends
/// the program under -fno-exceptions); the batch is then as it was before. Not for several threads at once.
class batch_builder {
public:
    explicit batch_builder(const batch_options& options = {}) noexcept : options_(options) {}

    /// Appends a record; its value is copied. What was written is counted in copied_bytes() by finish().
    ///
    /// too_large if the batch would exceed max_bytes, or a length its field; bad_value, with the field's
    /// name, if the offset does not rise or lies more than 2^31 - 1 above the first one.
    [[nodiscard]] std::expected<void, error> append(const record_to_write& record) {
        const measured sizes = measure(record, value_size(record));
        if (sizes.whole > room_left()) [[unlikely]]
            return std::unexpected{refusal(sizes)};
        begin_batch();
        const auto whole = static_cast<std::size_t>(sizes.whole);
        bytes_.reserve(whole);
        std::byte* p = write_front(bytes_.spare().data(), record, sizes);
        if (record.value) {
            p = wire::write_varint(p, static_cast<std::int32_t>(record.value->size()));
            p = put(p, *record.value);
        } else {
            *p++ = null_length;
        }
        write_headers(p, record.headers);
        bytes_.commit(whole);
        appended(sizes, record.timestamp);
        return {};
    }

    /// Appends a record whose value is attached by reference: worth it from some KiB on. `record.value` is
    /// not looked at. Errors as append.
    [[nodiscard]] std::expected<void, error> append(const record_to_write& record, shared_buffer value) {
        const measured sizes = measure(record, static_cast<std::int64_t>(value.size()));
        if (sizes.whole > room_left()) return std::unexpected{refusal(sizes)};
        begin_batch();
        const std::size_t written = static_cast<std::size_t>(sizes.whole) - value.size();
        bytes_.reserve(written);
        std::byte* p = write_front(bytes_.spare().data(), record, sizes);
        p = wire::write_varint(p, static_cast<std::int32_t>(value.size()));
        const std::size_t at = bytes_.size() + static_cast<std::size_t>(p - bytes_.spare().data());
        write_headers(p, record.headers);
        if (!value.empty()) {
            const std::size_t size = value.size();
            attached_.push_back({at, std::move(value)});
            attached_bytes_ += size;
        }
        bytes_.commit(written);
        appended(sizes, record.timestamp);
        return {};
    }

    /// Whether append would take this record.
    [[nodiscard]] bool has_room_for(const record_to_write& record) const noexcept {
        return measure(record, value_size(record)).whole <= room_left();
    }

    /// Bytes of the batch as it stands, the header included, also before the first record.
    [[nodiscard]] std::size_t size() const noexcept {
        return bytes_.empty() ? sizeof(batch_header) : bytes_.size() + attached_bytes_;
    }
    [[nodiscard]] std::int32_t record_count() const noexcept { return count_; }
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

    /// The batch with its checksum, in one segment if no value was attached; the builder is spent.
    ///
    /// Without records: an empty batch as compaction leaves it, whose last offset is the first.
    [[nodiscard]] buffer_chain finish() && {
        begin_batch();
        batch_header& header = overlay_trusted<batch_header>(bytes_.data());
        write_header(header);
        std::uint32_t crc = 0;
        std::size_t from = offsetof(batch_header, attributes);
        for (const attachment& each : attached_) {
            crc = crc32c_extend(crc, std::as_const(bytes_).span().subspan(from, each.at - from));
            crc = crc32c_extend(crc, each.bytes.span());
            from = each.at;
        }
        header.crc = crc32c_extend(crc, std::as_const(bytes_).span().subspan(from));

        detail::count_copied(bytes_.size() -
                             sizeof(batch_header)); // one atomic addition instead of one per key
        shared_buffer all = std::move(bytes_).freeze();
        if (attached_.empty()) return buffer_chain(std::move(all));
        buffer_chain chain;
        chain.reserve_segments(2 * attached_.size() + 1);
        from = 0;
        for (attachment& each : attached_) {
            chain.put_bytes(detail::buffer_access::slice(all, from, each.at - from));
            chain.put_bytes(std::move(each.bytes));
            from = each.at;
        }
        chain.put_bytes(detail::buffer_access::slice(all, from, all.size() - from));
        return chain;
    }

    /// The same in memory that may still be changed (see batch_patch). Attached values are copied, and
    /// counted.
    [[nodiscard]] unique_buffer finish_writable() && {
        buffer_chain chain = std::move(*this).finish();
        shared_buffer whole = chain.to_bytes();
        chain = {};
        auto unique = std::move(whole).try_into_unique();
        detail::require(unique.has_value()); // made above, and seen by nobody
        return *std::move(unique);
    }

private:
    static constexpr std::byte null_length{1}; // -1

    struct attachment {
        std::size_t at; ///< in bytes_: in front of what stands there
        shared_buffer bytes;
    };

    static constexpr std::uint64_t bad_offset = ~std::uint64_t{0};

    struct measured {
        std::uint64_t
            whole; ///< bytes of the record with its length; bad_offset where that is the reason to refuse
        std::int32_t length; ///< what its length field says
        std::int32_t offset_delta;
        std::int64_t timestamp_delta;
    };

    [[nodiscard]] KWIRE_COLD error refusal(const measured& sizes) const noexcept {
        if (sizes.whole != bad_offset)
            return {.code = errc::too_large, .needed = sizes.whole, .left = room_left()};
        error e{.code = errc::bad_value};
        e.enter({"offset"});
        return e;
    }

    [[nodiscard]] static std::int64_t value_size(const record_to_write& record) noexcept {
        return record.value ? static_cast<std::int64_t>(record.value->size()) : -1;
    }

    /// Bytes of a length and of what it counts; no length field holds more than 2^31 - 1.
    [[nodiscard]] KWIRE_ALWAYS_INLINE static std::uint64_t sized(std::uint64_t size) noexcept {
        return wire::varint_size(static_cast<std::int64_t>(size)) + size;
    }

    /// `value` is its size, -1 for null.
    [[nodiscard]] KWIRE_ALWAYS_INLINE measured measure(const record_to_write& record,
                                                       std::int64_t value) const noexcept {
        measured out{};
        std::uint64_t delta = next_delta_;
        if (record.offset)
            delta =
                static_cast<std::uint64_t>(*record.offset) - static_cast<std::uint64_t>(options_.base_offset);
        constexpr std::uint64_t largest = std::numeric_limits<std::int32_t>::max();
        if (delta < next_delta_ || delta > largest) [[unlikely]] {
            out.whole = bad_offset;
            return out;
        }
        out.offset_delta = static_cast<std::int32_t>(delta);
        out.timestamp_delta = static_cast<std::int64_t>(static_cast<std::uint64_t>(record.timestamp) -
                                                        static_cast<std::uint64_t>(base_timestamp(record)));

        // None of the sums can overflow: what lies in memory has less than 2^63 bytes.
        std::uint64_t body = 1 + wire::varint_size(out.timestamp_delta) + wire::varint_size(out.offset_delta);
        body += record.key ? sized(record.key->size()) : 1;
        body += value >= 0 ? sized(static_cast<std::uint64_t>(value)) : 1;
        body += wire::varint_size(static_cast<std::int64_t>(record.headers.size()));
        for (const header_view& header : record.headers)
            body += sized(header.name.size()) + (header.value ? sized(header.value->size()) : 1);
        out.whole = sized(body);
        out.length = static_cast<std::int32_t>(body); // whole fits the batch, or it is not used
        return out;
    }

    /// Bytes that may follow; with them the batch fits its length field too, and with it everything inside.
    [[nodiscard]] std::uint64_t room_left() const noexcept {
        constexpr std::uint64_t largest = std::numeric_limits<std::int32_t>::max();
        const std::uint64_t limit = options_.max_bytes < largest ? options_.max_bytes : largest;
        return size() < limit ? limit - size() : 0;
    }

    [[nodiscard]] std::int64_t base_timestamp(const record_to_write& record) const noexcept {
        if (options_.delete_horizon) return *options_.delete_horizon;
        return count_ != 0 ? first_timestamp_ : record.timestamp;
    }

    void begin_batch() {
        if (!bytes_.empty()) return;
        if (bytes_.capacity() == 0)
            bytes_ = unique_buffer::with_capacity(options_.expected_bytes > sizeof(batch_header)
                                                      ? options_.expected_bytes
                                                      : sizeof(batch_header));
        bytes_.commit(sizeof(batch_header)); // written by finish()
    }

    [[nodiscard]] KWIRE_ALWAYS_INLINE static std::byte* put(std::byte* p,
                                                            std::span<const std::byte> bytes) noexcept {
        if (!bytes.empty()) std::memcpy(p, bytes.data(), bytes.size()); // counted by finish, all at once
        return p + bytes.size();
    }

    [[nodiscard]] KWIRE_ALWAYS_INLINE static std::byte*
    write_front(std::byte* p, const record_to_write& record, const measured& sizes) noexcept {
        p = wire::write_varint(p, sizes.length);
        *p++ = std::byte{0}; // attributes: none have a meaning
        p = wire::write_varint(p, sizes.timestamp_delta);
        p = wire::write_varint(p, sizes.offset_delta);
        if (!record.key) {
            *p++ = null_length;
            return p;
        }
        p = wire::write_varint(p, static_cast<std::int32_t>(record.key->size()));
        return put(p, *record.key);
    }

    KWIRE_ALWAYS_INLINE static std::byte* write_headers(std::byte* p,
                                                        std::span<const header_view> headers) noexcept {
        p = wire::write_varint(p, static_cast<std::int32_t>(headers.size()));
        for (const header_view& header : headers) {
            p = wire::write_varint(p, static_cast<std::int32_t>(header.name.size()));
            p = put(p, detail::bytes_of_text(header.name));
            if (!header.value) {
                *p++ = null_length;
                continue;
            }
            p = wire::write_varint(p, static_cast<std::int32_t>(header.value->size()));
            p = put(p, *header.value);
        }
        return p;
    }

    void appended(const measured& sizes, std::int64_t timestamp) noexcept {
        if (count_ == 0) {
            first_timestamp_ = timestamp;
            max_timestamp_ = timestamp;
        }
        if (timestamp > max_timestamp_) max_timestamp_ = timestamp;
        last_delta_ = sizes.offset_delta;
        next_delta_ = static_cast<std::uint64_t>(sizes.offset_delta) + 1;
        ++count_;
    }

    void write_header(batch_header& header) const noexcept {
        header.base_offset = options_.base_offset;
        header.batch_length = static_cast<std::int32_t>(size() - detail::batch_overhead);
        header.partition_leader_epoch = options_.partition_leader_epoch;
        header.magic = 2;
        header.attributes =
            static_cast<std::int16_t>((options_.append_time ? 8 : 0) | (options_.is_transactional ? 16 : 0) |
                                      (options_.is_control ? 32 : 0) | (options_.delete_horizon ? 64 : 0));
        header.last_offset_delta = last_delta_;
        header.base_timestamp = options_.delete_horizon ? *options_.delete_horizon : first_timestamp_;
        header.max_timestamp = options_.append_time ? *options_.append_time : max_timestamp_;
        header.producer_id = options_.producer_id;
        header.producer_epoch = options_.producer_epoch;
        header.base_sequence = options_.base_sequence;
        header.record_count = count_;
    }

    batch_options options_;
    unique_buffer bytes_; ///< header and records without the attached values
    std::vector<attachment> attached_;
    std::size_t attached_bytes_ = 0;
    std::uint64_t next_delta_ = 0;
    std::int64_t first_timestamp_ = -1;
    std::int64_t max_timestamp_ = -1;
    std::int32_t last_delta_ = 0;
    std::int32_t count_ = 0;
};

} // namespace kwire
