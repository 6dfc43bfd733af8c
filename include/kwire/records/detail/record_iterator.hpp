/// Internal: the position of a loop over records, for the ranges of record_range.hpp and read.hpp.
#pragma once

#include <kwire/detail/config.hpp>
#include <kwire/detail/forward_iterator.hpp>
#include <kwire/error.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/check.hpp>
#include <kwire/records/detail/parse_record.hpp>
#include <kwire/records/record.hpp>
#include <kwire/wire/overlay.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <type_traits>

namespace kwire::detail {

/// What records inherit from the header of their batch.
struct record_base {
    std::uint64_t offset = 0;
    std::uint64_t timestamp = 0;
    std::uint64_t delta_mask = 0; ///< all ones; 0 if all records have the timestamp of the batch
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
        return sequence_after(sequence, delta);
    }
};

struct record_access {
    KWIRE_ALWAYS_INLINE static record_view make(const record_base& base,
                                                const parsed_record& record) noexcept {
        return {record, base.offset_of(record.offset_delta), base.timestamp_of(record.timestamp_delta),
                base.sequence_of(record.offset_delta)};
    }
    /// The parts of a record, with the deltas as they are in its bytes.
    [[nodiscard]] KWIRE_ALWAYS_INLINE static const parsed_record& parts(const record_view& record) noexcept {
        return record.record_;
    }
};

/// Why no record of a batch can be read: compression, or a record count that does not fit.
[[nodiscard]] inline std::optional<batch_defect> find_records_defect(batch_view batch) noexcept {
    if (batch.compression() != compression_type::none)
        return batch_defect{errc::unsupported_compression, "attributes",
                            batch.is_legacy() ? offsetof(message_prefix, attributes)
                                              : offsetof(batch_header, attributes)};
    return batch.is_legacy() ? std::nullopt : find_count_defect(batch);
}

/// Contiguous records: those of a batch of magic 2, or messages of magic 0 and 1.
struct record_run {
    record_base base{};
    std::span<const std::byte> bytes{};
    std::uint64_t count = 0;
    std::uint64_t cut = 0;    ///< bytes of a last message that is cut short, after `bytes`
    std::uint64_t lead = 0;   ///< the position of `bytes` in the bytes that offsets of errors count from
    bool messages = false;    ///< whether they are messages of magic 0 and 1, all whole and uncompressed
    bool append_time = false; ///< for messages: base.timestamp replaces the timestamps of those that have one
    record_leniency accepts{};
    bool decompressed =
        false; ///< whether `bytes` are decompressed; offsets of errors then count from their first byte

    /// The offset and timestamp of the message at `at`, combined with those of its wrapper.
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

    /// The error `e` of these bytes, with the offset and the path that a caller sees.
    [[nodiscard]] error placed(error e) const noexcept {
        e.offset += lead;
        if (decompressed) e.enter({decompressed_step});
        return e;
    }
};

/// A loop over records keeps how many records were left from the defective one on: 0 if bytes follow the last
/// record, no_defect if there was none.
inline constexpr std::uint64_t no_defect = ~std::uint64_t{0};

/// What a loop iterates over; for an uncompressed batch its first byte.
// cost: an iterator with a batch_view in it takes 14 % more instructions with Clang.
template <bool Run>
using record_source = std::conditional_t<Run, const record_run*, const std::byte*>;

/// The batch whose first byte is at `data`. Precondition: it is whole.
[[nodiscard]] inline batch_view whole_batch_at(const std::byte* data) noexcept {
    const std::int32_t length = overlay_trusted<batch_prefix>(data).length;
    return batch_access::make(data, static_cast<std::uint32_t>(length) + batch_overhead);
}

/// The records of an uncompressed batch as a run, for the description of a defect.
[[nodiscard]] inline record_run run_of(batch_view batch) noexcept {
    record_run run{.messages = batch.is_legacy()};
    run.bytes = run.messages ? bytes_of(batch) : records_bytes(batch);
    run.count = run.messages ? 1 : static_cast<std::uint64_t>(batch.header()->record_count.value());
    run.lead = run.messages ? 0 : sizeof(batch_header);
    return run;
}

/// The defect at `at` that ended a loop over `run`.
[[nodiscard]] KWIRE_COLD inline error describe_defect(const record_run& run, const std::byte* at,
                                                      std::uint64_t failed) noexcept {
    const std::byte* const origin = run.bytes.data();
    if (failed == 0)
        return run.placed({.code = errc::trailing_bytes, .offset = static_cast<std::uint64_t>(at - origin)});
    described_refusal refuse{.origin = origin, .accepts = run.accepts};
    parsed_record ignored;
    if (run.messages)
        (void)read_message(record_run::message_at(at), record_run::magic_at(at), ignored, refuse);
    else
        (void)read_record_carefully(at, origin + run.bytes.size(), ignored, refuse);
    refuse.e.enter({"records", static_cast<std::int64_t>(run.count - failed)});
    return run.placed(refuse.e);
}
/// The same for the records of an uncompressed batch.
[[nodiscard]] KWIRE_COLD inline error describe_defect(batch_view batch, const std::byte* at,
                                                      std::uint64_t failed) noexcept {
    if (const auto defect = find_records_defect(batch)) return error_of(*defect);
    return describe_defect(run_of(batch), at, failed);
}

template <bool Run>
class record_iterator;

} // namespace kwire::detail

namespace kwire {

/// A record that a loop has reached, or what is there instead of one.
///
/// Used like a kwire::expected: test it, then `*` and `->` give the record and error() the reason. Only the
/// last element of a loop can be an error. `Run` tells the two kinds of loops apart: over an uncompressed
/// batch, and over batch_records.
template <bool Run>
class [[nodiscard]] record_result {
public:
    [[nodiscard]] KWIRE_ALWAYS_INLINE bool has_value() const noexcept { return failed_ == detail::no_defect; }
    [[nodiscard]] KWIRE_ALWAYS_INLINE explicit operator bool() const noexcept { return has_value(); }

    /// The record, which is valid while the bytes of its batch are. Aborts if there is none: what
    /// check_batches with codecs or check_records has accepted needs no test.
    [[nodiscard]] KWIRE_ALWAYS_INLINE record_view operator*() const noexcept {
        require_value();
        return record_;
    }
    [[nodiscard]] KWIRE_ALWAYS_INLINE record_view value() const noexcept { return **this; }
    /// For one call: `record->key()`.
    [[nodiscard]] KWIRE_ALWAYS_INLINE const record_view* operator->() const noexcept {
        require_value();
        return &record_;
    }
    /// Why there is no record; the codes and the offset are those of the range's defect(). Aborts if there is
    /// one. Valid while the range is.
    [[nodiscard]] kwire::error error() const noexcept {
        if (has_value()) std::abort();
        if constexpr (Run)
            return detail::describe_defect(*of_, at_, failed_);
        else
            return detail::describe_defect(detail::whole_batch_at(of_), at_, failed_);
    }

private:
    template <bool>
    friend class detail::record_iterator;
    using source = detail::record_source<Run>;

    KWIRE_ALWAYS_INLINE record_result(const record_view& record, const std::byte* at, std::uint64_t failed,
                                      source of) noexcept
        : record_(record), at_(at), failed_(failed), of_(of) {}

    KWIRE_ALWAYS_INLINE void require_value() const noexcept {
        if (!has_value()) [[unlikely]]
            std::abort();
    }

    record_view record_;
    const std::byte* at_;
    std::uint64_t failed_;
    source of_;
};

} // namespace kwire

namespace kwire::detail {

/// The position of a loop over records; checks each record on the way and ends after the first defect, which
/// is the last element.
///
/// `Run` tells whether the loop is over a record_run, which may hold messages, or over an uncompressed batch.
// cost: two classes, because a test for messages in each step takes 8 % more instructions where there are
// none.
template <bool Run>
class record_iterator : public forward_iterator<record_iterator<Run>, record_result<Run>> {
    friend forward_iterator<record_iterator, record_result<Run>>;
    friend struct record_iterator_access;

public:
    record_iterator() noexcept = default;

private:
    // cost: always inline, because an iterator that escapes to memory doubles the instructions of a read.
    /// Iterates over the records of an uncompressed batch; in magic 0 and 1 over the one message.
    KWIRE_ALWAYS_INLINE explicit record_iterator(batch_view batch) noexcept
        requires(!Run)
        : of_(bytes_of(batch).data()), base_(batch) {
        end_ = at_ = next_ = bytes_of(batch).data() + bytes_of(batch).size();
        if (find_records_defect(batch)) [[unlikely]] {
            fail(no_defect - 1);
            return;
        }
        if (batch.is_legacy()) {
            left_ = 1;
            silent_refusal refuse;
            parsed_record message;
            at_ = bytes_of(batch).data();
            next_ = read_message(bytes_of(batch), batch.magic(), message, refuse);
            record_ = message;
            if (next_ == nullptr) fail(1);
            return;
        }
        at_ = next_ = records_bytes(batch).data();
        left_ = static_cast<std::uint32_t>(batch.header()->record_count.value());
        read_or_end();
    }
    /// Iterates over the records of `run`, which must outlive the iterator.
    KWIRE_ALWAYS_INLINE explicit record_iterator(const record_run& run) noexcept
        requires Run
        : of_(&run),
          at_(run.bytes.data()),
          next_(at_),
          end_(at_ + run.bytes.size()),
          left_(run.count),
          base_(run.base) {
        read_or_end();
    }

    [[nodiscard]] KWIRE_ALWAYS_INLINE record_result<Run> current() const noexcept {
        return {record_access::make(base_, record_), at_, failed_, of_};
    }
    KWIRE_ALWAYS_INLINE void advance() noexcept {
        at_ = next_;
        --left_;
        read_or_end();
    }
    [[nodiscard]] KWIRE_ALWAYS_INLINE bool done() const noexcept { return left_ == 0; }
    [[nodiscard]] KWIRE_ALWAYS_INLINE bool same_place(const record_iterator& other) const noexcept {
        // Of one range, in which no two records have the same number of records left.
        return left_ == other.left_ && failed_ == other.failed_;
    }

    /// Reads the next record, if there is one; bytes after the last one are a defect too.
    KWIRE_ALWAYS_INLINE void read_or_end() noexcept {
        if (left_ != 0) [[likely]] {
            refusal refuse = make_refusal();
            next_ = read_here(refuse);
            if (next_ == nullptr) [[unlikely]]
                fail(left_);
        } else if (at_ != end_ && failed_ == no_defect) [[unlikely]] {
            fail(0);
        }
    }
    using refusal = std::conditional_t<Run, lenient_refusal, silent_refusal>;
    [[nodiscard]] KWIRE_ALWAYS_INLINE refusal make_refusal() const noexcept {
        if constexpr (Run)
            return lenient_refusal(of_->accepts);
        else
            return {};
    }
    KWIRE_ALWAYS_INLINE const std::byte* read_here(refusal& refuse) noexcept {
        if constexpr (Run) {
            if (of_->messages) [[unlikely]] {
                base_ = of_->base_of_message(at_);
                return read_message(record_run::message_at(at_), record_run::magic_at(at_), record_, refuse);
            }
        }
        return read_record(at_, end_, record_, refuse);
    }
    /// Makes the defect here the last element; `failed` as in record_stop.
    KWIRE_ALWAYS_INLINE void fail(std::uint64_t failed) noexcept {
        failed_ = failed;
        left_ = 1;
        next_ = at_;
        // cost: what was read of the record would have to be kept for this element: with Clang 14 % more
        // instructions for each record.
        record_ = parsed_record();
    }

    record_source<Run> of_{};
    const std::byte* at_ = nullptr;   ///< of this record; at the end, of what follows the last
    const std::byte* next_ = nullptr; ///< of the record after it
    const std::byte* end_ = nullptr;
    std::uint64_t left_ = 0;           ///< elements from this one on; 0 at the end
    std::uint64_t failed_ = no_defect; ///< what left_ was before a defective record
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
    /// The position of the element, or what follows the last one.
    template <bool Run>
    [[nodiscard]] KWIRE_ALWAYS_INLINE static const std::byte*
    position(const record_iterator<Run>& i) noexcept {
        return i.at_;
    }
    /// The position after the element. Precondition: it is a record without a defect.
    template <bool Run>
    [[nodiscard]] KWIRE_ALWAYS_INLINE static const std::byte*
    position_after(const record_iterator<Run>& i) noexcept {
        return i.next_;
    }
    /// See no_defect.
    template <bool Run>
    [[nodiscard]] KWIRE_ALWAYS_INLINE static std::uint64_t
    failed(const record_iterator<Run>& at_end) noexcept {
        return at_end.failed_;
    }
};

} // namespace kwire::detail
