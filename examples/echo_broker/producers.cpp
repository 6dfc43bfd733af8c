#include "producers.hpp"

#include <algorithm>
#include <limits>

namespace echo_broker {

using kwire::error_code;

std::expected<std::optional<std::int64_t>, error_code>
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
        return std::unexpected(error_code::out_of_order_sequence_number);
    }
    if (batch.producer_epoch() < known.epoch) return std::unexpected(error_code::invalid_producer_epoch);
    if (first != 0) return std::unexpected(error_code::out_of_order_sequence_number); // of a new epoch
    return std::nullopt;
}

void producer_table::add(const partition_log& partition, const kwire::batch_view& batch,
                         std::int64_t base_offset) {
    if (batch.producer_id() < 0) return;
    const key who{&partition, batch.producer_id()};
    const auto [found, is_new] = producers_.try_emplace(who);
    producer& known = found->second;
    if (is_new)
        known.place = by_use_.insert(by_use_.end(), who);
    else
        by_use_.splice(by_use_.end(), by_use_, known.place);
    if (known.epoch != batch.producer_epoch()) known.count = 0;
    known.epoch = batch.producer_epoch();
    known.batches[known.count % known.batches.size()] = {batch.base_sequence(), batch.last_sequence(),
                                                         base_offset};
    ++known.count;
    if (producers_.size() > most_producers) {
        producers_.erase(by_use_.front());
        by_use_.pop_front();
    }
}

} // namespace echo_broker
