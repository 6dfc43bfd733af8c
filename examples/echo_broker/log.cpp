#include "log.hpp"

#include <algorithm>
#include <utility>

namespace echo_broker {

const stored_batch& record_store::add(stored_batch batch, partition_log& partition) {
    batch.partition = &partition;
    batch.memory += sizeof(stored_batch) + sizeof(void*);
    bytes_ += batch.memory;
    batches_.push_back(std::move(batch));
    while (bytes_ > most_bytes_ && batches_.size() > 1) {
        batches_.front().partition->drop_oldest();
        bytes_ -= batches_.front().memory;
        batches_.pop_front();
    }
    return batches_.back();
}

void partition_log::append(record_store& store, stored_batch batch) {
    const std::uint64_t size = batch.bytes.size();
    batches_.push_back(&store.add(std::move(batch), *this));
    for (append_waiter* waiter : waiting_) {
        waiter->missing -= std::min(waiter->missing, size);
        if (waiter->missing == 0) waiter->timer.cancel();
    }
}

void partition_log::drop_oldest() noexcept {
    start_offset_ = batches_.front()->next_offset;
    batches_.pop_front();
}

kwire::buffer_chain partition_log::read(std::int64_t offset, std::uint64_t max_bytes,
                                        bool at_least_one) const {
    kwire::buffer_chain found;
    auto batch = std::ranges::upper_bound(batches_, offset, {}, &stored_batch::next_offset);
    for (; batch != batches_.end(); ++batch) {
        const bool fits = found.size() + (*batch)->bytes.size() <= max_bytes;
        if (!fits && !(at_least_one && found.empty())) break;
        found.put_bytes((*batch)->bytes);
    }
    return found;
}

} // namespace echo_broker
