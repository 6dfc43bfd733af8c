/// The batches that a consumer of committed records sees: without those of aborted transactions, and without
/// the markers.
///
///     kwire::read_committed visible(partition.records(), partition.aborted_transactions());
///     for (auto batch : visible) {
///         if (!batch) return refuse(batch.error());
///         consume(*batch);                                  // its bytes where they are, no copy
///     }
///     position = visible.next_offset().value_or(position);  // after what was skipped, too
///
/// A broker sends all batches up to the last stable offset, and with them the transactions that were aborted
/// (KIP-98). The rule for the rest is that of Kafka's consumer (CompletedFetch.nextFetchedRecord).
#pragma once

#include <kwire/compression/codec.hpp>
#include <kwire/compression/type.hpp>
#include <kwire/detail/config.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/control.hpp>
#include <kwire/records/read.hpp>
#include <kwire/records/record_range.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace kwire::inline KWIRE_ABI {

/// A transaction that was aborted: who wrote it, and the offset of its first record.
struct aborted_transaction {
    /// Who wrote it.
    std::int64_t producer_id = -1;
    /// The offset of its first record.
    std::int64_t first_offset = 0;
};

/// A list of aborted transactions: of aborted_transaction, or the aborted_transactions field of a Fetch
/// response, as a view or as data. Null is none.
template <class List>
concept aborted_transactions_list = requires(const List& list) {
    list.begin();
    list.end();
};

/// Says batch after batch, in the order of the log, whether a consumer of committed records sees it.
///
///     kwire::transaction_filter shows(partition.aborted_transactions());
///     for (auto batch : kwire::record_batches(partition.records()))
///         if (batch && shows(*batch).value_or(false)) consume(*batch);
///
/// Keeps 32 bytes for each aborted transaction; a batch takes the logarithm of their number. A batch out of
/// order, or left out, may make later answers wrong.
class transaction_filter {
public:
    /// Nothing was aborted: only control batches are hidden.
    transaction_filter() = default;
    /// The transactions in `aborted` were. `codecs`, which must outlive the filter, read markers that are
    /// compressed, which no broker writes.
    template <aborted_transactions_list List>
        requires(!std::same_as<std::remove_cvref_t<List>, transaction_filter>)
    explicit transaction_filter(const List& aborted, const codec_set* codecs = nullptr) : codecs_(codecs) {
        for (const auto& one : aborted) pending_.push_back(read(one));
        std::ranges::sort(pending_, {}, &aborted_transaction::first_offset);
        producers_.reserve(pending_.size());
        for (const aborted_transaction& one : pending_) producers_.push_back({one.producer_id});
        std::ranges::sort(producers_, {}, &producer::id);
        const auto same = std::ranges::unique(producers_, {}, &producer::id);
        producers_.erase(same.begin(), same.end());
    }

    /// Whether the records of `batch` are data that was committed, or not part of a transaction.
    ///
    /// A transaction counts as aborted from the first batch on whose last offset is not below its first one,
    /// until the abort marker of its producer. Batches of magic 0 and 1 are always shown. Errors, for a
    /// control batch whose first record cannot be read, with offsets from the first byte of the batch: those
    /// of record_range::defect, and of records() for a compressed one, and those of control_of at its key.
    [[nodiscard]] expected<bool, error> operator()(batch_view batch) {
        if (batch.producer_id() < 0) return !batch.is_control();
        begin_up_to(batch.last_offset());
        producer* const writer = find(batch.producer_id());
        if (batch.is_control()) {
            const auto aborts = has_abort_marker(batch);
            if (!aborts) return unexpected{aborts.error()};
            if (*aborts && writer != nullptr) writer->aborted = false;
            return false;
        }
        return !(batch.is_transactional() && writer != nullptr && writer->aborted);
    }

private:
    struct producer {
        std::int64_t id;
        bool aborted = false;
    };

    template <class T>
    [[nodiscard]] static aborted_transaction read(const T& one) {
        if constexpr (requires { one.producer_id(); })
            return {one.producer_id(), one.first_offset()};
        else
            return {one.producer_id, one.first_offset};
    }

    void begin_up_to(std::int64_t offset) noexcept {
        for (; begun_ != pending_.size() && pending_[begun_].first_offset <= offset; ++begun_)
            find(pending_[begun_].producer_id)->aborted = true;
    }
    [[nodiscard]] producer* find(std::int64_t id) noexcept {
        const auto at = std::ranges::lower_bound(producers_, id, {}, &producer::id);
        return at != producers_.end() && at->id == id ? &*at : nullptr;
    }
    [[nodiscard]] expected<bool, error> has_abort_marker(batch_view batch) const {
        if (codecs_ == nullptr || batch.compression() == compression_type::none)
            return aborts(record_range(batch), bytes_of(batch));
        constexpr std::size_t most = 65536; // markers are short
        const auto records = kwire::records(batch, *codecs_, most, crc_policy::skip);
        if (!records) return unexpected{records.error()};
        auto aborted = aborts(*records, bytes_of(*records));
        if (!aborted && records->is_decompressed() &&
            (aborted.error().depth == 0 || aborted.error().path[0].field != detail::decompressed_step))
            aborted.error().enter({detail::decompressed_step});
        return aborted;
    }
    /// Whether the first of the `records` is an abort marker; `bytes` are those that offsets count from.
    template <class Records>
    [[nodiscard]] static expected<bool, error> aborts(const Records& records,
                                                      std::span<const std::byte> bytes) noexcept {
        const auto first = records.begin();
        if (first == records.end()) return false; // compaction may remove a marker and keep its batch
        const auto record = *first;
        if (!record) return unexpected{record.error()};
        const auto control = control_of(*record);
        if (control) return control->type() == control_type::abort;
        error e = control.error();
        if (const auto key = record->key())
            e.offset += static_cast<std::uint64_t>(key->data() - bytes.data());
        e.enter({"records", 0});
        return unexpected{e};
    }

    const codec_set* codecs_ = nullptr;
    std::vector<aborted_transaction> pending_; ///< by first offset
    std::size_t begun_ = 0;                    ///< how many of them have begun
    std::vector<producer> producers_;          ///< by id
};

/// What a consumer sees beyond the markers; the defaults are a consumer's.
struct read_committed_options {
    /// Batches that end below it are not shown: what a consumer has read before.
    std::int64_t fetch_offset = std::numeric_limits<std::int64_t>::min();
    /// Batches from it on are not shown, nor passed: for readers of a whole log. A broker cuts there itself.
    std::int64_t last_stable_offset = std::numeric_limits<std::int64_t>::max();
    /// For markers that are compressed, as of a transaction_filter; must outlive the loop.
    const codec_set* codecs = nullptr;
};

/// The batches of a records field that a consumer of committed records sees, as a range for one loop.
///
/// An element is a kwire::expected of a batch_view: where the bytes are not a batch, or a marker cannot be
/// read, the loop has an error as its last element, with its offset in the field (in decompressed bytes, if
/// the path says so) and a path such as `batches[2].records[0].key`; codes are those of record_batches and of
/// transaction_filter. A last batch that is cut short ends the loop. A batch may begin below fetch_offset,
/// whose records a consumer skips. Valid while the records are; allocates for the list of aborted
/// transactions only. Neither checksums nor records are looked at.
class read_committed {
public:
    using value_type = expected<batch_view, error>;

    class iterator {
    public:
        using value_type = read_committed::value_type;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::input_iterator_tag;

        [[nodiscard]] value_type operator*() const noexcept { return of_->current_; }
        iterator& operator++() {
            of_->find_next();
            return *this;
        }
        void operator++(int) { ++*this; }
        [[nodiscard]] friend bool operator==(const iterator& i, std::default_sentinel_t) noexcept {
            return i.at_end();
        }

    private:
        friend read_committed;
        explicit iterator(read_committed& of) noexcept : of_(&of) {}
        [[nodiscard]] bool at_end() const noexcept { return of_->ended_; }

        read_committed* of_;
    };

    /// The batches of `records` without those of the transactions in `aborted`, the lists of one partition of
    /// a Fetch response.
    template <aborted_transactions_list List>
    read_committed(std::optional<std::span<const std::byte>> records, const List& aborted,
                   const read_committed_options& options = {})
        : filter_(aborted, options.codecs), options_(options), batches_(record_batches(records)) {}

    /// Deleted for temporary owners of bytes, whose bytes would be gone before the loop.
    template <detail::temporary_owner Owner, aborted_transactions_list List>
    read_committed(Owner&& records, const List& aborted, const read_committed_options& options = {}) = delete;

    /// Begins the loop: a range for one loop, as the filter remembers what has begun.
    [[nodiscard]] iterator begin() & noexcept KWIRE_LIFETIMEBOUND {
        if (!begun_) {
            begun_ = true;
            at_ = batches_.begin();
            find_here();
        }
        return iterator(*this);
    }
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

    /// The offset after the last batch that the loop has reached, shown or not: where a consumer goes on if
    /// it has consumed them. nullopt before the first one.
    [[nodiscard]] std::optional<std::int64_t> next_offset() const noexcept { return next_offset_; }

private:
    void find_next() {
        if (!current_) {
            ended_ = true; // after an error
            return;
        }
        ++at_;
        ++index_;
        find_here();
    }
    /// Finds the first batch to show from here on.
    void find_here() {
        for (; at_ != batches_.end(); ++at_, ++index_) {
            const auto found = *at_;
            if (!found) return fail(found.error(), 0);
            const batch_view batch = *found;
            if (batch.base_offset() >= options_.last_stable_offset) break;
            const auto shown = filter_(batch);
            if (!shown) return fail(shown.error(), found.offset());
            next_offset_ = batch.next_offset();
            if (!*shown || batch.last_offset() < options_.fetch_offset) continue;
            current_ = batch;
            return;
        }
        ended_ = true;
    }
    void fail(error e, std::uint64_t before) noexcept {
        if (e.depth == 0 || e.path[0].field != detail::decompressed_step) e.offset += before;
        e.enter({"batches", index_});
        current_ = unexpected{e};
    }

    transaction_filter filter_;
    read_committed_options options_;
    record_batch_range batches_;
    record_batch_range::iterator at_;
    std::int64_t index_ = 0;
    value_type current_{};
    std::optional<std::int64_t> next_offset_;
    bool begun_ = false, ended_ = false;
};

} // namespace kwire::inline KWIRE_ABI
