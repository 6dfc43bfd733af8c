#include "log.hpp"

#include <algorithm>

namespace echo_broker {

namespace {

constexpr std::uint64_t retained_bytes = 1 << 30; // per partition; the oldest batches are dropped first
constexpr std::size_t most_topics = 10'000;

} // namespace

void partition_log::append(kwire::held<kwire::batch_view> batch) {
    auto bytes = batch.slice_or_copy(bytes_of(*batch));
    bytes_ += bytes.size();
    batches_.push_back(
        {batch->base_offset(), batch->next_offset(), batch->max_timestamp(), std::move(bytes)});
    while (bytes_ > retained_bytes && batches_.size() > 1) {
        bytes_ -= batches_.front().bytes.size();
        batches_.pop_front();
        start_offset_ = batches_.front().base_offset;
    }
    for (boost::asio::steady_timer* timer : waiting_) timer->cancel();
}

kwire::buffer_chain partition_log::read(std::int64_t offset, std::uint64_t max_bytes,
                                        bool at_least_one) const {
    kwire::buffer_chain found;
    auto batch = std::ranges::upper_bound(batches_, offset, {}, &stored_batch::next_offset);
    for (; batch != batches_.end(); ++batch) {
        const bool fits = found.size() + batch->bytes.size() <= max_bytes;
        if (!fits && !(at_least_one && found.empty())) break;
        found.put_bytes(batch->bytes);
    }
    return found;
}

std::optional<partition_log::position> partition_log::find_time(std::int64_t timestamp) const noexcept {
    for (const stored_batch& batch : batches_) // timestamps are the producers' and need not rise
        if (batch.max_timestamp >= timestamp) return position{batch.base_offset, batch.max_timestamp};
    return std::nullopt;
}

topic* topic_table::find(std::string_view name) const noexcept {
    const auto found = topics_.find(name);
    return found == topics_.end() ? nullptr : found->second.get();
}

topic* topic_table::find(const kwire::uuid& id) const noexcept {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : found->second;
}

topic* topic_table::create(std::string_view name) {
    if (topics_.size() >= most_topics) return nullptr;
    auto created = std::make_unique<topic>();
    created->name = name;
    // Ids must be unique only within this process; the version and variant bits make them UUIDs (RFC 4122).
    created->id = kwire::uuid::from_halves(0x6b776972'65004000, 0x80000000'00000001 + topics_.size());
    created->partitions = std::vector<partition_log>(static_cast<std::size_t>(partitions_));
    topic* const made = created.get();
    by_id_.emplace(made->id, made);
    topics_.emplace(made->name, std::move(created));
    return made;
}

bool topic_table::valid_name(std::string_view name) noexcept {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
               c == '_' || c == '-';
    };
    return !name.empty() && name.size() <= 249 && name != "." && name != ".." &&
           std::ranges::all_of(name, allowed);
}

} // namespace echo_broker
