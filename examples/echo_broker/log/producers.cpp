#include "echo_broker/log/producers.hpp"

#include <algorithm>
#include <limits>

namespace echo_broker {

using kwire::error_code;

kwire::expected<std::optional<std::int64_t>, error_code>
producer_table::find(const partition_log& partition, const kwire::batch_view& batch) const noexcept {
    const auto found = producers_.find({&partition, batch.producer_id()});
    if (found == producers_.end()) return std::nullopt; // a new one may begin anywhere
    const producer& known = found->second;
    const std::int32_t first = batch.base_sequence();
    if (batch.producer_epoch() == known.epoch) {
        for (std::size_t i = 0; i < std::min(known.count, known.batches.size()); ++i)
            if (known.batches[i].first == first && known.batches[i].last == batch.last_sequence())
                return known.batches[i].base_offset;
        constexpr auto highest = std::numeric_limits<std::int32_t>::max(); // then follows 0
        const std::int32_t next = known.last_sequence() == highest ? 0 : known.last_sequence() + 1;
        if (first == next) return std::nullopt;
        return kwire::unexpected(error_code::out_of_order_sequence_number);
    }
    if (batch.producer_epoch() < known.epoch) return kwire::unexpected(error_code::invalid_producer_epoch);
    if (first != 0) return kwire::unexpected(error_code::out_of_order_sequence_number); // of a new epoch
    return std::nullopt;
}

producer_table::producer& producer_table::use(const partition_log& partition, std::int64_t producer_id,
                                              std::int16_t epoch) {
    const key who{&partition, producer_id};
    auto found = producers_.find(who);
    if (found == producers_.end()) {
        std::list<key> place{who}; // all memory first: if there is none, nothing has changed
        found = producers_.try_emplace(who).first;
        found->second.place = place.begin();
        by_use_.splice(by_use_.end(), place);
        if (producers_.size() > most_producers) {
            producers_.erase(by_use_.front());
            by_use_.pop_front();
        }
    } else {
        by_use_.splice(by_use_.end(), by_use_, found->second.place);
    }
    producer& known = found->second;
    if (known.epoch != epoch) known.count = 0;
    known.epoch = epoch;
    return known;
}

void producer_table::add(const partition_log& partition, const kwire::batch_view& batch,
                         std::int64_t base_offset) {
    if (batch.producer_id() < 0) return;
    producer& known = use(partition, batch.producer_id(), batch.producer_epoch());
    known.batches[known.count % known.batches.size()] = {batch.base_sequence(), batch.last_sequence(),
                                                         base_offset};
    ++known.count;
    known.last_timestamp = batch.max_timestamp();
}

void producer_table::add_marker(const partition_log& partition, std::int64_t producer_id, std::int16_t epoch,
                                std::int32_t of_coordinator, std::int64_t timestamp) {
    producer& known = use(partition, producer_id, epoch);
    known.coordinator_epoch = of_coordinator;
    known.last_timestamp = timestamp;
}

void producer_table::forget(const partition_log& partition) noexcept {
    const key first{&partition, std::numeric_limits<std::int64_t>::min()};
    for (auto one = producers_.lower_bound(first);
         one != producers_.end() && one->first.first == &partition;) {
        by_use_.erase(one->second.place);
        one = producers_.erase(one);
    }
}

std::vector<producer_summary> producer_table::all_of(const partition_log& partition) const {
    std::vector<producer_summary> found;
    const key first{&partition, std::numeric_limits<std::int64_t>::min()};
    for (auto one = producers_.lower_bound(first); one != producers_.end() && one->first.first == &partition;
         ++one)
        found.push_back({one->first.second, one->second.epoch, one->second.last_sequence(),
                         one->second.last_timestamp, one->second.coordinator_epoch});
    return found;
}

} // namespace echo_broker
