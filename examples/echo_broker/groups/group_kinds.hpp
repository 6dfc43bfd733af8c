// A group has one of two protocols, the classic one or that of KIP-848: which one, and what both have in
// common.
#pragma once

#include <kwire/error_code.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace echo_broker {

class broker;

/// Whether `group` may become one of the classic protocol: no group of the new protocol with members has this
/// name. An empty one ends here; its offsets stay.
[[nodiscard]] bool release_consumer_group(broker& here, std::string_view group);

/// Whether there is a group of this name, of whichever protocol.
[[nodiscard]] bool group_exists(const broker& here, std::string_view group);

/// Who commits offsets.
struct committer {
    std::string_view member_id;
    std::optional<std::string_view> instance_id;
    std::int32_t generation = -1; ///< or member epoch
};
/// The code for a commit of offsets. A group that does not exist is made for those who are not members: such
/// a group only has offsets.
[[nodiscard]] kwire::error_code check_commit(broker& here, std::string_view group, const committer& who,
                                             std::int16_t version);
/// The same for a commit within a transaction.
[[nodiscard]] kwire::error_code check_transactional_commit(broker& here, std::string_view group,
                                                           const committer& who);

} // namespace echo_broker
