#include "echo_broker/log/partition_transactions.hpp"

#include <algorithm>

namespace echo_broker {

void partition_transactions::write(std::int64_t producer_id, std::int16_t epoch, std::int64_t offset) {
    if (const auto found = open_.find(producer_id); found != open_.end()) {
        found->second.epoch = epoch;
        return;
    }
    decltype(first_offsets_) first{offset}; // all memory first: if there is none, nothing has changed
    open_.try_emplace(producer_id, open{epoch, offset});
    first_offsets_.merge(first);
}

void partition_transactions::end(std::int64_t producer_id, std::int64_t offset, bool committed) {
    const auto found = open_.find(producer_id);
    if (found == open_.end()) return;
    const std::int64_t first = found->second.first_offset;
    first_offsets_.erase(first);
    open_.erase(found);
    if (!committed) aborted_.push_back({producer_id, first, offset, stable_offset(offset + 1)});
}

void partition_transactions::forget_before(std::int64_t start_offset) {
    while (!aborted_.empty() && aborted_.front().marker_offset < start_offset) aborted_.pop_front();
}

bool partition_transactions::is_open(std::int64_t producer_id,
                                     std::optional<std::int16_t> epoch) const noexcept {
    const auto found = open_.find(producer_id);
    return found != open_.end() && (!epoch || *epoch == found->second.epoch);
}

std::int64_t partition_transactions::first_offset(std::int64_t producer_id) const noexcept {
    const auto found = open_.find(producer_id);
    return found == open_.end() ? -1 : found->second.first_offset;
}

std::vector<aborted_transaction> partition_transactions::aborted(std::int64_t first, std::int64_t end) const {
    std::vector<aborted_transaction> found;
    auto one = std::ranges::lower_bound(aborted_, first, {}, &aborted_transaction::marker_offset);
    for (; one != aborted_.end(); ++one) {
        if (one->first_offset < end) found.push_back(*one);
        if (one->stable_offset >= end) break; // the later ones began after that
    }
    return found;
}

} // namespace echo_broker
