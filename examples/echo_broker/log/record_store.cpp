#include "echo_broker/log/record_store.hpp"

#include <algorithm>
#include <utility>

#include "echo_broker/log/heap.hpp"
#include "echo_broker/log/partition_log.hpp"

namespace echo_broker {

namespace {

constexpr std::uint64_t overhead = sizeof(stored_batch) + sizeof(void*);

} // namespace

std::uint64_t record_store::add(stored_batch&& batch, partition_log& partition, std::uint64_t before) {
    batch.partition = &partition;
    batch.number = first_number_ + batches_.size();
    batches_.push_back(std::move(batch)); // if there is no memory, nothing has changed
    stored_batch& added = batches_.back();
    if (before >= first_number_) {
        stored_batch& neighbour = batches_[before - first_number_];
        if (neighbour.bytes.shares_memory_with(added.bytes)) {
            neighbour.memory -= neighbour.bytes.pinned_bytes();
            bytes_ -= neighbour.bytes.pinned_bytes();
            added.counts_older = true;
        }
    }
    added.memory += overhead;
    bytes_ += added.memory;
    most_since_ = std::max(most_since_, bytes_);
    take_memory();
    while (bytes_ > most_bytes_ && batches_.size() > 1) drop_oldest();
    return batches_.back().number;
}

void record_store::release(const stored_batch& dropped) noexcept {
    stored_batch& batch = batches_[dropped.number - first_number_];
    batch.partition = nullptr;
    batch.bytes = {};
    if (!batch.counts_older) { // otherwise an older batch may keep the memory
        bytes_ -= batch.memory - std::min(batch.memory, overhead);
        batch.memory = std::min(batch.memory, overhead);
    }
    while (!batches_.empty() && batches_.front().partition == nullptr) drop_oldest();
    constexpr std::uint64_t much = 64 << 20;
    if (most_since_ < much || bytes_ > most_since_ - much) return;
    most_since_ = bytes_;
    give_back_memory();
}

void record_store::drop_oldest() noexcept {
    if (batches_.front().partition != nullptr) batches_.front().partition->drop_oldest();
    bytes_ -= batches_.front().memory;
    batches_.pop_front();
    ++first_number_;
}

} // namespace echo_broker
