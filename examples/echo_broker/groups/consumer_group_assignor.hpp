// Which member of a group gets which partition (KIP-848's server-side assignors).
#pragma once

#include <kwire/wire/uuid.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "echo_broker/groups/consumer_group.hpp"

namespace echo_broker {

/// The names of the assignors; a group without a wish gets the first.
inline constexpr std::array<std::string_view, 2> assignor_names{"uniform", "range"};

/// A member, as an assignor sees it.
struct assignment_wish {
    std::set<kwire::uuid> topics; ///< that it subscribes to; all of them exist
    partition_set target;         ///< in: what it had; out: what it gets
};
using partition_counts = std::map<kwire::uuid, std::int32_t>;

/// As even as the subscriptions allow, and as many partitions as possible stay where they are.
void assign_uniform(std::vector<assignment_wish>& members, const partition_counts& topics);
/// The partitions of each topic in ranges, in the order of the members.
void assign_range(std::vector<assignment_wish>& members, const partition_counts& topics);

} // namespace echo_broker
