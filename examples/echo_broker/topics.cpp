#include "topics.hpp"

#include <algorithm>

namespace echo_broker {

topic* topic_table::find(std::string_view name) const noexcept {
    const auto found = topics_.find(name);
    return found == topics_.end() ? nullptr : found->second.get();
}

topic* topic_table::find(const kwire::uuid& id) const noexcept {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : found->second;
}

topic* topic_table::create(std::string_view name) {
    constexpr std::size_t most_partitions = 100'000; // an empty one takes almost 1 kB
    const auto partitions = static_cast<std::size_t>(partitions_);
    if ((topics_.size() + 1) * partitions > most_partitions) return nullptr;
    auto created = std::make_unique<topic>();
    created->name = name;
    // Ids must be unique only within this process; the version and variant bits make them UUIDs (RFC 4122).
    created->id = kwire::uuid::from_halves(0x6b776972'65004000, 0x80000000'00000001 + topics_.size());
    created->partitions = std::vector<partition_log>(partitions);
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
