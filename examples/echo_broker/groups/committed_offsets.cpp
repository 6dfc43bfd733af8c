#include "echo_broker/groups/committed_offsets.hpp"

#include <utility>

namespace echo_broker {

namespace {

/// The value of `key`, made if it is not there.
template <class Map>
typename Map::mapped_type& at(Map& map, std::string_view key) {
    const auto found = map.find(key);
    return found != map.end() ? found->second
                              : map.emplace(std::string(key), typename Map::mapped_type()).first->second;
}

template <class Topics>
auto* find_in(Topics& topics, std::string_view topic, std::int32_t partition) noexcept {
    const auto partitions = topics.find(topic);
    if (partitions != topics.end())
        if (const auto found = partitions->second.find(partition); found != partitions->second.end())
            return &found->second;
    return static_cast<decltype(&partitions->second.begin()->second)>(nullptr);
}

/// False if it is not there.
template <class Topics>
bool erase_from(Topics& topics, std::string_view topic, std::int32_t partition) {
    const auto partitions = topics.find(topic);
    if (partitions == topics.end() || partitions->second.erase(partition) == 0) return false;
    if (partitions->second.empty()) topics.erase(partitions);
    return true;
}

} // namespace

const committed_offsets::by_topic* committed_offsets::find(std::string_view group) const noexcept {
    const auto found = groups_.find(group);
    return found == groups_.end() ? nullptr : &found->second.committed;
}

const committed_offset* committed_offsets::find(std::string_view group, std::string_view topic,
                                                std::int32_t partition) const noexcept {
    const by_topic* const topics = find(group);
    return topics == nullptr ? nullptr : find_in(*topics, topic, partition);
}

bool committed_offsets::is_unstable(std::string_view group, std::string_view topic,
                                    std::int32_t partition) const noexcept {
    const auto found = groups_.find(group);
    return found != groups_.end() && find_in(found->second.unstable, topic, partition) != nullptr;
}

void committed_offsets::commit(std::string_view group, offset_of_partition one) {
    at(at(groups_, group).committed, one.topic).insert_or_assign(one.partition, std::move(one.content));
}

void committed_offsets::commit_later(std::string_view group, std::int64_t producer_id,
                                     std::int16_t producer_epoch, offset_of_partition one) {
    group_offsets& offsets = at(groups_, group);
    open_transaction& transaction = offsets.transactions[producer_id];
    transaction.producer_epoch = producer_epoch;
    const bool is_new =
        at(transaction.offsets, one.topic).insert_or_assign(one.partition, std::move(one.content)).second;
    if (is_new) ++at(offsets.unstable, one.topic)[one.partition];
}

const committed_offsets::open_transaction*
committed_offsets::find_transaction(std::string_view group, std::int64_t producer_id) const noexcept {
    const auto found = groups_.find(group);
    if (found == groups_.end()) return nullptr;
    const auto transaction = found->second.transactions.find(producer_id);
    return transaction == found->second.transactions.end() ? nullptr : &transaction->second;
}

void committed_offsets::end_transaction(std::string_view group, std::int64_t producer_id, bool committed) {
    const auto found = groups_.find(group);
    if (found == groups_.end()) return;
    group_offsets& offsets = found->second;
    auto ended = offsets.transactions.extract(producer_id);
    if (ended.empty()) return;
    for (auto& [topic, partitions] : ended.mapped().offsets)
        for (auto& [partition, content] : partitions) {
            std::size_t* const transactions = find_in(offsets.unstable, topic, partition);
            if (transactions != nullptr && --*transactions == 0)
                erase_from(offsets.unstable, topic, partition);
            if (committed) at(offsets.committed, topic).insert_or_assign(partition, std::move(content));
        }
    erase_if_empty(group);
}

bool committed_offsets::erase(std::string_view group, std::string_view topic, std::int32_t partition) {
    const auto found = groups_.find(group);
    if (found == groups_.end() || !erase_from(found->second.committed, topic, partition)) return false;
    erase_if_empty(group);
    return true;
}

void committed_offsets::erase(std::string_view group) {
    if (const auto found = groups_.find(group); found != groups_.end()) groups_.erase(found);
}

void committed_offsets::erase_if_empty(std::string_view group) {
    const auto found = groups_.find(group);
    if (found != groups_.end() && found->second.committed.empty() && found->second.transactions.empty())
        groups_.erase(found);
}

std::vector<std::string> committed_offsets::groups() const {
    std::vector<std::string> out;
    for (const auto& [group, offsets] : groups_) out.push_back(group);
    return out;
}

std::vector<std::string> committed_offsets::groups_with(std::string_view topic) const {
    std::vector<std::string> out;
    for (const auto& [group, offsets] : groups_)
        if (offsets.committed.contains(topic)) out.push_back(group);
    return out;
}

std::vector<std::string> committed_offsets::groups_with(std::int64_t producer_id) const {
    std::vector<std::string> out;
    for (const auto& [group, offsets] : groups_)
        if (offsets.transactions.contains(producer_id)) out.push_back(group);
    return out;
}

} // namespace echo_broker
