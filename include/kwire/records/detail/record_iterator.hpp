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
    std::uint64_t lead = 0;   ///< the position of `bytes` in the bytes that offsets of errors count from
    bool messages = false;    ///< whether they are messages of magic 0 and 1, all whole and uncompressed
    bool append_time = false; ///< for messages: base.timestamp replaces the timestamps of those that have one
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

/// Where a loop over records ended, and whether a defect ended it.
struct record_stop {
    const std::byte* at = nullptr;  ///< the defective record, or what follows the last record
    const std::byte* end = nullptr; ///< of the bytes
    std::uint64_t failed = 0; ///< how many records were left from the defective one on; 0 if there was none
};

/// The position of a loop over records; checks each record on the way and ends at the first defect.
///
/// `Run` tells whether the loop is over a record_run, which may hold messages, or over an uncompressed batch.
// cost: two classes, because a test for messages in each step takes 8 % more instructions where there are
// none.
template <bool Run>
class record_iterator : public forward_iterator<record_iterator<Run>, record_view> {
    friend forward_iterator<record_iterator, record_view>;
    friend struct record_iterator_access;

public:
    record_iterator() noexcept = default;

private:
    static constexpr std::uint64_t not_begun = ~std::uint64_t{0}; ///< above any count

    // cost: always inline, because an iterator that escapes to memory doubles the instructions of a read.
    /// Iterates over the records of an uncompressed batch; in magic 0 and 1 over the one message.
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
    /// Iterates over the records of `run`, which must outlive the iterator.
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
        return left_ ==
               other.left_; // of one range, in which no two positions have the same number of records left
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

} // namespace kwire::detail
