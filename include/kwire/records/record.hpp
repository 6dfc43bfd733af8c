/// The records of a batch where they lie: each is read when a loop comes to it, keys and values are slices.
///
///     auto records = kwire::records(batch);
///     for (auto record : records) consume(record.offset(), record.key(), record.value());
///     if (auto defect = records.defect()) return refuse(*defect);
///     // records[3].headers[1].value: truncated at byte 412, needs 70 bytes, 9 left
///
/// Rules of magic 2: KIP-98 for the layout, KIP-82 for headers, KIP-32 for timestamps; of magic 0 and 1 the
/// guide to Kafka's protocol.
///
/// Kafka takes a few things that are refused here, so that no two readers disagree about them: a length of
/// key, value or header value below -1 (null for Kafka), bytes behind the records that are counted where the
/// count is 0, and bytes behind the value of a message of magic 0 or 1.
#pragma once

#include <kwire/detail/config.hpp>
#include <kwire/detail/forward_iterator.hpp>
#include <kwire/error.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/check.hpp>
#include <kwire/records/detail/expected_records.hpp>
#include <kwire/wire/varint.hpp>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace kwire {

/// A header of a record: a name and a value, null or bytes (KIP-82).
struct header_view {
    std::string_view name; ///< UTF-8 by convention, not checked; may be empty and may occur again
    std::optional<std::span<const std::byte>> value;
};

namespace detail {

/// A record as it was found; sizes of -1 are null.
struct parsed_record {
    std::int64_t timestamp_delta = 0;
    const std::byte* key = nullptr;
    const std::byte* value = nullptr;
    const std::byte* headers = nullptr;
    std::int32_t offset_delta = 0;
    std::int32_t key_size = -1;
    std::int32_t value_size = -1;
    std::int32_t header_count = 0;
    std::int8_t attributes = 0;
};

/// Varints of one and two bytes in line: lengths, deltas of time and of offsets need hardly ever more.
template <class U>
KWIRE_ALWAYS_INLINE const std::byte* read_short_uvarint(const std::byte* p, const std::byte* end,
                                                        U& value) noexcept {
    if (p != end) [[likely]] {
        const U first = std::to_integer<U>(p[0]);
        if (first < 0x80) [[likely]] {
            value = first;
            return p + 1;
        }
        if (end - p >= 2) [[likely]] {
            const U second = std::to_integer<U>(p[1]);
            if (second < 0x80) [[likely]] {
                value = (first & 0x7f) | second << 7;
                return p + 2;
            }
        }
    }
    const auto [next, number] = wire::detail::read_long_uvarint<U>(p, static_cast<std::size_t>(end - p));
    value = number;
    return next;
}
KWIRE_ALWAYS_INLINE const std::byte* read_short_varint(const std::byte* p, const std::byte* end,
                                                       std::int32_t& value) noexcept {
    std::uint32_t raw = 0;
    p = read_short_uvarint(p, end, raw);
    value = wire::zigzag_decode(raw);
    return p;
}
KWIRE_ALWAYS_INLINE const std::byte* read_short_varint(const std::byte* p, const std::byte* end,
                                                       std::int64_t& value) noexcept {
    std::uint64_t raw = 0;
    p = read_short_uvarint(p, end, raw);
    value = wire::zigzag_decode(raw);
    return p;
}

/// What the reader of a record tells when it refuses; here nothing, for loops that only stop.
struct silent_refusal {
    KWIRE_ALWAYS_INLINE void in_header(std::int32_t) noexcept {}
    template <class U>
    KWIRE_ALWAYS_INLINE const std::byte* varint(std::string_view, const std::byte*,
                                                const std::byte*) noexcept {
        return nullptr;
    }
    KWIRE_ALWAYS_INLINE const std::byte* operator()(errc, std::string_view, const std::byte*,
                                                    std::uint64_t = 0, std::uint64_t = 0) noexcept {
        return nullptr;
    }
};

/// And here an error: its code, place and path inside the record.
struct described_refusal {
    const std::byte* origin; ///< what offsets count from
    error e{};
    std::int32_t header = -1;

    void in_header(std::int32_t index) noexcept { header = index; }
    template <class U>
    const std::byte* varint(std::string_view field, const std::byte* p, const std::byte* end) noexcept {
        const errc code = wire::varint_defect<U>(p, end);
        const auto left = static_cast<std::uint64_t>(end - p);
        return (*this)(code, field, p, code == errc::truncated ? left + 1 : 0, left);
    }
    const std::byte* operator()(errc code, std::string_view field, const std::byte* at,
                                std::uint64_t needed = 0, std::uint64_t left = 0) noexcept {
        e = {.code = code,
             .offset = static_cast<std::uint64_t>(at - origin),
             .needed = needed,
             .left = needed != 0 ? left : 0};
        if (!field.empty()) e.enter({field});
        if (header >= 0) e.enter({"headers", header});
        return nullptr;
    }
};

/// Reads a length of `field` and steps over its bytes, which begin at `begin`; -1 is null where that may be.
template <bool Nullable, class Refuse>
KWIRE_ALWAYS_INLINE const std::byte* read_sized(std::string_view field, const std::byte* p,
                                                const std::byte* end, const std::byte*& begin,
                                                std::int32_t& size, Refuse& refuse) noexcept {
    const std::byte* const next = read_short_varint(p, end, size);
    if (next == nullptr) [[unlikely]]
        return refuse.template varint<std::uint32_t>(field, p, end);
    begin = next;
    if (size < 0) [[unlikely]] {
        if (Nullable && size == -1) return next;
        return refuse(size == -1 ? errc::null_not_allowed : errc::bad_length, field, p);
    }
    const auto left = static_cast<std::uint64_t>(end - next);
    if (static_cast<std::uint64_t>(size) > left) [[unlikely]]
        return refuse(errc::truncated, field, next, static_cast<std::uint64_t>(size), left);
    return next + size;
}

template <class Refuse>
KWIRE_ALWAYS_INLINE const std::byte* read_headers(const std::byte* p, const std::byte* end,
                                                  std::int32_t count, Refuse& refuse) noexcept {
    const std::byte* ignored = nullptr;
    std::int32_t size = 0;
    for (std::int32_t i = 0; i != count; ++i) {
        refuse.in_header(i);
        if (p = read_sized<false>("name", p, end, ignored, size, refuse); p == nullptr) return nullptr;
        if (p = read_sized<true>("value", p, end, ignored, size, refuse); p == nullptr) return nullptr;
    }
    refuse.in_header(-1);
    return p;
}

/// Reads the length of a record and returns where its body begins; the body ends inside [p, end).
template <class Refuse>
KWIRE_ALWAYS_INLINE const std::byte* read_record_length(const std::byte* p, const std::byte* end,
                                                        std::int32_t& length, Refuse& refuse) noexcept {
    const std::byte* const body = read_short_varint(p, end, length);
    if (body == nullptr) [[unlikely]]
        return refuse.template varint<std::uint32_t>("length", p, end);
    if (length < 0) [[unlikely]]
        return refuse(errc::bad_length, "length", p);
    const auto left = static_cast<std::uint64_t>(end - body);
    if (static_cast<std::uint64_t>(length) > left) [[unlikely]]
        return refuse(errc::truncated, "", body, static_cast<std::uint64_t>(length), left);
    return body;
}

/// Reads the record of magic 2 at `p`, checks all of it and returns the position behind it; nullptr if
/// refused.
template <class Refuse>
KWIRE_ALWAYS_INLINE const std::byte* read_record(const std::byte* p, const std::byte* end, parsed_record& out,
                                                 Refuse& refuse) noexcept {
    std::int32_t length = 0;
    p = read_record_length(p, end, length, refuse);
    if (p == nullptr) [[unlikely]]
        return nullptr;
    const std::byte* const body_end = p + length;

    if (length == 0) [[unlikely]]
        return refuse(errc::truncated, "attributes", p, 1, 0);
    out.attributes = std::to_integer<std::int8_t>(*p++);
    const std::byte* next = read_short_varint(p, body_end, out.timestamp_delta);
    if (next == nullptr) [[unlikely]]
        return refuse.template varint<std::uint64_t>("timestamp_delta", p, body_end);
    p = next;
    next = read_short_varint(p, body_end, out.offset_delta);
    if (next == nullptr) [[unlikely]]
        return refuse.template varint<std::uint32_t>("offset_delta", p, body_end);
    p = read_sized<true>("key", next, body_end, out.key, out.key_size, refuse);
    if (p == nullptr) [[unlikely]]
        return nullptr;
    p = read_sized<true>("value", p, body_end, out.value, out.value_size, refuse);
    if (p == nullptr) [[unlikely]]
        return nullptr;

    next = read_short_varint(p, body_end, out.header_count);
    if (next == nullptr) [[unlikely]]
        return refuse.template varint<std::uint32_t>("headers", p, body_end);
    out.headers = next;
    if (out.header_count != 0) {
        if (out.header_count < 0) [[unlikely]]
            return refuse(errc::bad_length, "headers", p);
        const auto left = static_cast<std::uint64_t>(body_end - next);
        const std::uint64_t needed = static_cast<std::uint64_t>(out.header_count) * 2; // two lengths each
        if (needed > left) [[unlikely]]
            return refuse(errc::count_exceeds_input, "headers", p, needed, left);
        next = read_headers(next, body_end, out.header_count, refuse);
        if (next == nullptr) [[unlikely]]
            return nullptr;
    }
    if (next != body_end) [[unlikely]]
        return refuse(errc::bad_record, "", next);
    return next;
}

/// Reads the message of magic 0 or 1 that is the batch; nullptr if refused.
template <class Refuse>
const std::byte* read_message(std::span<const std::byte> bytes, std::int8_t magic, parsed_record& out,
                              Refuse& refuse) noexcept {
    const std::byte* p = bytes.data() + (magic == 0 ? 18 : 26);
    const std::byte* const end = bytes.data() + bytes.size();
    const auto sized = [&](std::string_view field, const std::byte*& begin, std::int32_t& size) noexcept {
        const auto left = static_cast<std::uint64_t>(end - p);
        if (left < 4) return refuse(errc::truncated, field, p, 4, left);
        size = wire::load_be<std::int32_t>(p);
        if (size < -1) return refuse(errc::bad_length, field, p);
        begin = p += 4;
        if (size == -1) return p;
        if (static_cast<std::uint64_t>(size) > left - 4)
            return refuse(errc::truncated, field, p, static_cast<std::uint64_t>(size), left - 4);
        return p += size;
    };
    if (sized("key", out.key, out.key_size) == nullptr) return nullptr;
    if (sized("value", out.value, out.value_size) == nullptr) return nullptr;
    if (p != end) return refuse(errc::bad_record, "", p);
    out.headers = p;
    return p;
}

[[nodiscard]] KWIRE_ALWAYS_INLINE std::optional<std::span<const std::byte>>
nullable_bytes(const std::byte* begin, std::int32_t size) noexcept {
    if (size < 0) return std::nullopt;
    return std::span<const std::byte>(begin, static_cast<std::size_t>(size));
}

struct record_access;

} // namespace detail

/// The headers of a record in their order, those of equal name and those with null included.
///
/// A forward range over checked bytes: it costs nothing until it is walked and cannot fail. Good as long as
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
            name_ = wire::read_varint_trusted(at, name_size_);
            value_ = wire::read_varint_trusted(name_ + name_size_, value_size_);
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

/// One record of any format; a small value, good as long as the bytes of its batch are.
class record_view {
public:
    /// The offset in the partition; wraps at the end of int64.
    [[nodiscard]] KWIRE_ALWAYS_INLINE std::int64_t offset() const noexcept { return offset_; }
    /// ms; the batch's max_timestamp where the broker's clock counts (KIP-32); -1 in magic 0, or if the
    /// producer gave none. Wraps at the end of int64.
    [[nodiscard]] KWIRE_ALWAYS_INLINE std::int64_t timestamp() const noexcept { return timestamp_; }
    /// The sequence number, 0 after 2147483647; -1 if the producer was not idempotent (KIP-98).
    [[nodiscard]] KWIRE_ALWAYS_INLINE std::int32_t sequence() const noexcept { return sequence_; }
    /// The bits of the record itself; nobody has given them a meaning.
    [[nodiscard]] KWIRE_ALWAYS_INLINE std::int8_t attributes() const noexcept { return record_.attributes; }
    /// null is not empty: compaction keeps no record without a key.
    [[nodiscard]] KWIRE_ALWAYS_INLINE std::optional<std::span<const std::byte>> key() const noexcept {
        return detail::nullable_bytes(record_.key, record_.key_size);
    }
    /// null marks the key as deleted.
    [[nodiscard]] KWIRE_ALWAYS_INLINE std::optional<std::span<const std::byte>> value() const noexcept {
        return detail::nullable_bytes(record_.value, record_.value_size);
    }
    /// None in magic 0 and 1.
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

namespace detail {

/// What records take over from the header of their batch.
struct record_base {
    std::uint64_t offset = 0;
    std::uint64_t timestamp = 0;
    std::uint64_t delta_mask = 0; ///< all ones; 0 where all records have the time of the batch
    std::int32_t sequence = -1;

    record_base() noexcept = default;
    KWIRE_ALWAYS_INLINE explicit record_base(batch_view batch) noexcept
        : offset(static_cast<std::uint64_t>(batch.base_offset())), sequence(batch.base_sequence()) {
        const batch_header* const header = batch.header();
        if (header == nullptr || batch.timestamp_type() == kwire::timestamp_type::log_append_time) {
            timestamp = static_cast<std::uint64_t>(batch.max_timestamp());
        } else {
            timestamp = static_cast<std::uint64_t>(header->base_timestamp.value());
            delta_mask = ~std::uint64_t{0};
        }
    }

    [[nodiscard]] KWIRE_ALWAYS_INLINE std::int64_t offset_of(std::int32_t delta) const noexcept {
        return static_cast<std::int64_t>(offset + static_cast<std::uint64_t>(std::int64_t{delta}));
    }
    [[nodiscard]] KWIRE_ALWAYS_INLINE std::int64_t timestamp_of(std::int64_t delta) const noexcept {
        return static_cast<std::int64_t>(timestamp + (static_cast<std::uint64_t>(delta) & delta_mask));
    }
    [[nodiscard]] KWIRE_ALWAYS_INLINE std::int32_t sequence_of(std::int32_t delta) const noexcept {
        if (sequence < 0) return -1;
        const auto sum = static_cast<std::uint32_t>(sequence) + static_cast<std::uint32_t>(delta);
        return static_cast<std::int32_t>(sum & 0x7fffffff);
    }
};

struct record_access {
    KWIRE_ALWAYS_INLINE static record_view make(const record_base& base,
                                                const parsed_record& record) noexcept {
        return {record, base.offset_of(record.offset_delta), base.timestamp_of(record.timestamp_delta),
                base.sequence_of(record.offset_delta)};
    }
};

/// Why the records of a batch cannot even be begun: a compression that is not undone, or a count that lies.
[[nodiscard]] inline std::optional<batch_defect> find_records_defect(batch_view batch) noexcept {
    if (batch.compression() != compression_type::none)
        return batch_defect{errc::unsupported_compression, "attributes",
                            batch.is_legacy() ? offsetof(message_prefix, attributes)
                                              : offsetof(batch_header, attributes)};
    return batch.is_legacy() ? std::nullopt : find_count_defect(batch);
}

[[nodiscard]] inline error error_of(const batch_defect& defect) noexcept {
    error e{.code = defect.code, .offset = defect.offset, .needed = defect.needed, .left = defect.left};
    e.enter({defect.field});
    return e;
}

/// Records in a row, wherever they lie: those of a batch of magic 2, or messages of magic 0 and 1.
struct record_run {
    record_base base{};
    std::span<const std::byte> bytes{};
    std::uint64_t count = 0;
    std::uint64_t lead = 0;    ///< where `bytes` begin in what offsets of errors count from
    bool messages = false;     ///< of magic 0 and 1; each is known to be whole and not compressed
    bool append_time = false;  ///< of messages: base.timestamp holds for those that have a time at all
    bool decompressed = false; ///< `bytes` are what was decompressed, and offsets count from its first byte

    /// What the message at `at` says itself, added to what is around it.
    [[nodiscard]] record_base base_of_message(const std::byte* at) const noexcept {
        const auto& message = overlay_trusted<message_prefix>(at);
        record_base one;
        one.offset = base.offset + static_cast<std::uint64_t>(message.offset.value());
        if (message.magic == 0)
            one.timestamp = static_cast<std::uint64_t>(std::int64_t{-1});
        else
            one.timestamp =
                append_time ? base.timestamp : static_cast<std::uint64_t>(message.timestamp.value());
        return one;
    }
    [[nodiscard]] static std::int8_t magic_at(const std::byte* at) noexcept {
        return overlay_trusted<batch_prefix>(at).magic;
    }
    [[nodiscard]] static std::span<const std::byte> message_at(const std::byte* at) noexcept {
        const auto& message = overlay_trusted<message_prefix>(at);
        return {at, static_cast<std::size_t>(message.length.value()) + batch_overhead};
    }

    /// An error of these bytes, in the words that a caller sees.
    [[nodiscard]] error placed(error e) const noexcept {
        e.offset += lead;
        if (decompressed) e.enter({"decompressed"});
        return e;
    }
};

/// Where a loop over records has ended, and whether that is the end of the records.
struct record_stop {
    const std::byte* at = nullptr;  ///< the record that was refused, or what follows the last record
    const std::byte* end = nullptr; ///< of the bytes
    std::uint64_t failed = 0;       ///< how many records were left when one was refused; 0 if none was
};

/// The position of a loop over records; checks each when it comes to it and ends at the first defect.
///
/// `Run` says whether the loop is over a record_run, which may hold messages, or over an uncompressed batch.
// cost: two classes, because a test for messages in each step takes 8 % more instructions where there are
// none.
template <bool Run>
class record_iterator : public forward_iterator<record_iterator<Run>, record_view> {
    friend forward_iterator<record_iterator, record_view>;
    friend struct record_iterator_access;

public:
    record_iterator() noexcept = default;

private:
    static constexpr std::uint64_t not_begun = ~std::uint64_t{0}; ///< more than any count

    // cost: always inline, because an iterator that escapes to memory doubles the instructions of a read.
    /// Over the records of an uncompressed batch, or the message of magic 0 or 1 that the batch is.
    KWIRE_ALWAYS_INLINE explicit record_iterator(batch_view batch) noexcept
        requires(!Run)
        : base_(batch) {
        if (find_records_defect(batch)) {
            failed_ = not_begun;
            return;
        }
        end_ = bytes_of(batch).data() + bytes_of(batch).size();
        if (batch.is_legacy()) {
            left_ = 1;
            silent_refusal refuse;
            parsed_record message;
            at_ = bytes_of(batch).data();
            next_ = read_message(bytes_of(batch), batch.magic(), message, refuse);
            record_ = message;
            if (next_ == nullptr) fail();
            return;
        }
        at_ = next_ = records_bytes(batch).data();
        left_ = static_cast<std::uint32_t>(batch.header()->record_count.value());
        if (left_ != 0) read();
    }
    /// Over the records of `run`, which must outlive the iterator.
    KWIRE_ALWAYS_INLINE explicit record_iterator(const record_run& run) noexcept
        requires Run
        : run_(&run),
          at_(run.bytes.data()),
          next_(at_),
          end_(at_ + run.bytes.size()),
          left_(run.count),
          base_(run.base) {
        if (left_ != 0) read();
    }

    [[nodiscard]] KWIRE_ALWAYS_INLINE record_view current() const noexcept {
        return record_access::make(base_, record_);
    }
    KWIRE_ALWAYS_INLINE void advance() noexcept {
        at_ = next_;
        if (--left_ != 0) read();
    }
    [[nodiscard]] KWIRE_ALWAYS_INLINE bool done() const noexcept { return left_ == 0; }
    [[nodiscard]] KWIRE_ALWAYS_INLINE bool same_place(const record_iterator& other) const noexcept {
        return left_ == other.left_; // of one range, in which each record has another number of them after it
    }

    KWIRE_ALWAYS_INLINE void read() noexcept {
        silent_refusal refuse;
        next_ = read_here(refuse);
        if (next_ == nullptr) [[unlikely]]
            fail();
    }
    KWIRE_ALWAYS_INLINE const std::byte* read_here(silent_refusal& refuse) noexcept {
        if constexpr (Run) {
            if (run_->messages) [[unlikely]] {
                base_ = run_->base_of_message(at_);
                return read_message(record_run::message_at(at_), record_run::magic_at(at_), record_, refuse);
            }
        }
        return read_record(at_, end_, record_, refuse);
    }
    KWIRE_ALWAYS_INLINE void fail() noexcept {
        failed_ = left_;
        left_ = 0;
    }

    struct no_run {};
    [[no_unique_address]] std::conditional_t<Run, const record_run*, no_run> run_{};
    const std::byte* at_ = nullptr;   ///< of this record; at the end, of what follows the last
    const std::byte* next_ = nullptr; ///< of the record after it
    const std::byte* end_ = nullptr;
    std::uint64_t left_ = 0;   ///< records from this one on; 0 at the end
    std::uint64_t failed_ = 0; ///< what left_ was before a defective record
    record_base base_;
    parsed_record record_;
};

struct record_iterator_access {
    [[nodiscard]] KWIRE_ALWAYS_INLINE static record_iterator<false> begin(batch_view batch) noexcept {
        return record_iterator<false>(batch);
    }
    [[nodiscard]] KWIRE_ALWAYS_INLINE static record_iterator<true> begin(const record_run& run) noexcept {
        return record_iterator<true>(run);
    }
    template <bool Run>
    [[nodiscard]] KWIRE_ALWAYS_INLINE static record_stop stop(const record_iterator<Run>& at_end) noexcept {
        return {at_end.at_, at_end.end_, at_end.failed_};
    }
};

} // namespace detail

/// The records of one uncompressed batch, as a forward range that checks each record when it comes to it.
///
/// It ends in front of the first record that is defective; defect() tells whether that was so. What it yields
/// is checked as a whole, headers included, so that nothing about a record_view can fail. Compressed batches
/// yield nothing and have a defect: unsupported_compression. Never allocates; good as long as the bytes of
/// the batch.
class record_range {
public:
    using iterator = detail::record_iterator<false>;
    using const_iterator = iterator;

    KWIRE_ALWAYS_INLINE explicit record_range(batch_view batch) noexcept : batch_(batch) {}

    [[nodiscard]] KWIRE_ALWAYS_INLINE iterator begin() const noexcept {
        return detail::record_iterator_access::begin(batch_);
    }
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

    /// Why the loop ends before the batch does; nullopt if the batch is sound. Walks over all records.
    ///
    /// Offsets count from the first byte of the batch, paths are as `records[3].headers[1].value`. Of the
    /// batch: unsupported_compression, bad_length (a negative count), count_exceeds_input, trailing_bytes. Of
    /// a record: truncated, bad_varint, bad_length, null_not_allowed (a header's name), count_exceeds_input
    /// (headers), bad_record (its length does not fit what is in it).
    [[nodiscard]] std::optional<error> defect() const noexcept {
        auto i = begin();
        while (i != end()) ++i;
        return defect(i);
    }
    /// The same from where an own loop has ended; `at_end` must be at the end.
    [[nodiscard]] KWIRE_ALWAYS_INLINE std::optional<error> defect(const iterator& at_end) const noexcept {
        // By value: a loop keeps its iterator in registers only if nobody is told where it lies.
        const auto stop = detail::record_iterator_access::stop(at_end);
        if (stop.failed == 0 && stop.at == stop.end) return std::nullopt;
        return describe_defect(stop);
    }

private:
    [[nodiscard]] KWIRE_COLD error describe_defect(detail::record_stop stop) const noexcept {
        if (const auto defect = detail::find_records_defect(batch_)) return detail::error_of(*defect);
        const auto bytes = bytes_of(batch_);
        if (stop.failed == 0)
            return {.code = errc::trailing_bytes,
                    .offset = static_cast<std::uint64_t>(stop.at - bytes.data())};
        detail::described_refusal refuse{.origin = bytes.data()};
        detail::parsed_record ignored;
        std::uint64_t index = 0;
        if (const auto* header = batch_.header()) {
            index = static_cast<std::uint64_t>(header->record_count.value()) - stop.failed;
            (void)detail::read_record(stop.at, stop.end, ignored, refuse);
        } else {
            (void)detail::read_message(bytes, batch_.magic(), ignored, refuse);
        }
        refuse.e.enter({"records", static_cast<std::int64_t>(index)});
        return refuse.e;
    }

    batch_view batch_;
};

/// The records of `batch`; see record_range. In magic 0 and 1 the message that the batch is.
[[nodiscard]] KWIRE_ALWAYS_INLINE record_range records(batch_view batch) noexcept {
    return record_range(batch);
}

/// The same, after a look at the checksum: crc_mismatch unless it fits or `policy` is skip.
[[nodiscard]] inline expected_records<record_range> records(batch_view batch, crc_policy policy) noexcept {
    if (policy != crc_policy::skip && !crc_matches(batch))
        return std::unexpected{detail::error_of(detail::crc_defect(batch))};
    return record_range(batch);
}

/// Checks a batch and all of its records, for those who want all or nothing; returns how many there are.
///
/// Afterwards a loop over records(batch) sees them all. Errors: those of check_batches for one batch, and
/// those of record_range::defect. Offsets count from the first byte of the batch.
[[nodiscard]] inline std::expected<std::uint32_t, error>
check_records(batch_view batch, crc_policy policy = crc_policy::verify) noexcept {
    if (const auto defect = detail::find_defect(batch, policy != crc_policy::skip))
        return std::unexpected{detail::error_of(*defect)};
    const record_range range(batch);
    auto i = range.begin();
    std::uint32_t count = 0;
    for (; i != range.end(); ++i) ++count;
    if (const auto defect = range.defect(i)) return std::unexpected{*defect};
    return count;
}

} // namespace kwire
