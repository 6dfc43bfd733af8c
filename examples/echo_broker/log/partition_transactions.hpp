// The transactions in one partition: those that are open, and those that were aborted (KIP-98).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace echo_broker {

/// A transaction whose records readers of committed ones must skip.
struct aborted_transaction {
    std::int64_t producer_id;
    std::int64_t first_offset;  ///< of its records
    std::int64_t marker_offset; ///< of the marker that ends it
    std::int64_t stable_offset; ///< below it, no transaction was open when this one ended
};

/// What a partition knows of the transactions of its producers. Each producer has at most one at a time.
///
/// The coordinator bounds the open ones. Each aborted one has a marker in the log, and goes with it.
class partition_transactions {
public:
    /// The producer writes in a transaction, whose first record here is at `offset` unless it is open
    /// already.
    void write(std::int64_t producer_id, std::int16_t epoch, std::int64_t offset);
    /// A marker at `offset` ends the producer's transaction, if it has one here.
    void end(std::int64_t producer_id, std::int64_t offset, bool committed);
    /// Forgets the aborted transactions whose markers are before `start_offset`.
    void forget_before(std::int64_t start_offset);

    /// Whether the producer has an open transaction here; with `epoch` if that is given.
    [[nodiscard]] bool is_open(std::int64_t producer_id,
                               std::optional<std::int16_t> epoch = {}) const noexcept;
    /// The first offset of the producer's open transaction; -1 if it has none.
    [[nodiscard]] std::int64_t first_offset(std::int64_t producer_id) const noexcept;
    /// The offset before which all is decided; `end_offset` if no transaction is open.
    [[nodiscard]] std::int64_t stable_offset(std::int64_t end_offset) const noexcept {
        return first_offsets_.empty() ? end_offset : *first_offsets_.begin();
    }
    /// The aborted transactions with records among the offsets from `first` up to `end`.
    [[nodiscard]] std::vector<aborted_transaction> aborted(std::int64_t first, std::int64_t end) const;

private:
    struct open {
        std::int16_t epoch;
        std::int64_t first_offset;
    };
    std::map<std::int64_t, open> open_;       ///< by producer id
    std::set<std::int64_t> first_offsets_;    ///< of open_
    std::deque<aborted_transaction> aborted_; ///< in the order of their markers
};

} // namespace echo_broker
