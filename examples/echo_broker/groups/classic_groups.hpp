// All groups of the classic protocol, by name.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "echo_broker/groups/classic_group.hpp"
#include "echo_broker/groups/memory_budget.hpp"

namespace echo_broker {

class classic_groups {
public:
    using by_name = std::map<std::string, std::unique_ptr<classic_group>, std::less<>>;

    [[nodiscard]] classic_group* find(std::string_view name) const noexcept {
        const auto found = groups_.find(name);
        return found == groups_.end() ? nullptr : found->second.get();
    }
    /// A new group, or null if there is no memory for it.
    classic_group* create(std::string_view name) {
        auto share = memory.take(sizeof(classic_group) + 2 * name.size());
        if (!share) return nullptr;
        auto made = std::make_unique<classic_group>(name, *std::move(share));
        return groups_.emplace(made->name, std::move(made)).first->second.get();
    }
    /// Its timers must have been cancelled.
    void erase(std::string_view name) {
        if (const auto found = groups_.find(name); found != groups_.end()) groups_.erase(found);
    }
    [[nodiscard]] const by_name& all() const noexcept { return groups_; }

    memory_budget memory{std::size_t{256} << 20}; ///< for all groups and all committed offsets
    bool expires = false;                         ///< whether a look for groups to forget is scheduled

private:
    by_name groups_;
};

} // namespace echo_broker
