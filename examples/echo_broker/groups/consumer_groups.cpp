#include "echo_broker/groups/consumer_groups.hpp"

#include <algorithm>
#include <ranges>

#include "echo_broker/groups/consumer_group.hpp"

namespace echo_broker {

using kwire::error_code;

consumer_groups::consumer_groups() noexcept = default;
consumer_groups::~consumer_groups() = default;

consumer_group* consumer_groups::find(std::string_view group) const noexcept {
    const auto found = groups_.find(group);
    return found == groups_.end() ? nullptr : found->second.get();
}

bool consumer_groups::contains(std::string_view group) const noexcept { return find(group) != nullptr; }

error_code consumer_groups::check_commit(std::string_view group, std::string_view member_id,
                                         std::int32_t member_epoch, bool transactional) const {
    consumer_group* const found = find(group);
    if (found == nullptr) return error_code::group_id_not_found;
    if (member_epoch < 0 && (found->members.empty() || (transactional && member_id.empty())))
        return error_code::none;
    const consumer_group_member* const member = found->find(member_id);
    if (member == nullptr) return error_code::unknown_member_id;
    return member->epoch == member_epoch ? error_code::none : error_code::stale_member_epoch;
}

error_code consumer_groups::check_fetch(std::string_view group, std::optional<std::string_view> member_id,
                                        std::int32_t member_epoch) const {
    consumer_group* const found = find(group);
    if (found == nullptr) return error_code::group_id_not_found;
    if (!member_id && member_epoch < 0) return error_code::none; // a program of administration
    const consumer_group_member* const member = found->find(member_id.value_or(""));
    if (member == nullptr) return error_code::unknown_member_id;
    return member->epoch == member_epoch ? error_code::none : error_code::stale_member_epoch;
}

bool consumer_groups::subscribes(std::string_view group, std::string_view topic) const {
    const consumer_group* const found = find(group);
    if (found == nullptr) return false;
    return std::ranges::any_of(found->members | std::views::values,
                               [&](const auto& member) { return member.topic_names.contains(topic); }) ||
           std::ranges::any_of(found->regexes | std::views::values,
                               [&](const auto& regex) { return regex.pattern.matches(topic); });
}

std::vector<consumer_groups::listed> consumer_groups::list() const {
    std::vector<listed> out;
    out.reserve(groups_.size());
    for (const auto& [name, group] : groups_) out.push_back({name, group->state()});
    return out;
}

error_code consumer_groups::remove(std::string_view group) {
    const auto found = groups_.find(group);
    if (found == groups_.end()) return error_code::group_id_not_found;
    if (!found->second->members.empty()) return error_code::non_empty_group;
    size_ -= found->second->counted_size;
    groups_.erase(found);
    return error_code::none;
}

consumer_group& consumer_groups::create(std::string_view group) {
    auto& out = groups_[std::string(group)];
    out = std::make_unique<consumer_group>();
    out->name = group;
    count(*out);
    return *out;
}

bool consumer_groups::has_room(std::size_t bytes) {
    constexpr std::size_t most = 256u << 20;
    if (size_ + bytes <= most) return true;
    std::erase_if(groups_, [&](const auto& one) {
        if (!one.second->members.empty()) return false;
        size_ -= one.second->counted_size;
        return true;
    });
    return size_ + bytes <= most;
}

void consumer_groups::count(consumer_group& group) noexcept {
    size_ -= group.counted_size;
    group.counted_size = group.size();
    size_ += group.counted_size;
}

} // namespace echo_broker
