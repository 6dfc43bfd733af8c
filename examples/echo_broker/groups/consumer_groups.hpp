// The groups of the new protocol (KIP-848), and what the handlers of offsets and of group administration ask
// about them.
#pragma once

#include <kwire/error_code.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace echo_broker {

class broker;
struct consumer_group; // consumer_group.hpp

/// Whether `group` may become one of the new protocol: no group of the classic protocol with members has this
/// name. An empty classic group ends here; its offsets stay. The classic protocol defines this function.
[[nodiscard]] bool release_classic_group(broker& here, std::string_view group);

/// Begins the sessions of all members of a group, which was read from files.
void watch_members(broker& here, consumer_group& group);

/// All groups of the new protocol, by name. A group stays after its last member has left, until it is
/// removed.
///
/// With files they are kept there too (consumer_group_log.hpp), so that members go on after a restart.
class consumer_groups {
public:
    using by_name = std::map<std::string, std::unique_ptr<consumer_group>, std::less<>>;

    consumer_groups() noexcept;
    ~consumer_groups();
    consumer_groups(consumer_groups&&) = delete;

    /// Whether the group is of the new protocol, with or without members.
    [[nodiscard]] bool contains(std::string_view group) const noexcept;

    /// The code for an OffsetCommit or TxnOffsetCommit with this member id and epoch (the request's
    /// generation id) to a group that this table contains. A commit with a negative epoch is allowed to a
    /// group without members, as programs of administration send it; a transactional one also with an empty
    /// member id.
    [[nodiscard]] kwire::error_code check_commit(std::string_view group, std::string_view member_id,
                                                 std::int32_t member_epoch, bool transactional = false) const;
    /// The code for an OffsetFetch (from v9 on, which carry a member id) of a group that this table contains.
    [[nodiscard]] kwire::error_code check_fetch(std::string_view group,
                                                std::optional<std::string_view> member_id,
                                                std::int32_t member_epoch) const;
    /// Whether a member subscribes to the topic: then OffsetDelete is refused with GROUP_SUBSCRIBED_TO_TOPIC.
    [[nodiscard]] bool subscribes(std::string_view group, std::string_view topic) const;

    struct listed {
        std::string_view group;
        std::string_view state; ///< "Empty", "Assigning", "Reconciling" or "Stable"
    };
    /// For ListGroups: protocol type "consumer", group type "consumer".
    [[nodiscard]] std::vector<listed> list() const;
    /// For DeleteGroups, and for a classic member that joins under the name of an empty group: removes a
    /// group without members. Codes: NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND.
    kwire::error_code remove(std::string_view group);

    [[nodiscard]] consumer_group* find(std::string_view group) const noexcept;
    consumer_group& create(std::string_view group);
    /// Whether all groups together may take so many bytes more. Groups without members make room.
    [[nodiscard]] bool has_room(std::size_t bytes);
    /// Counts what a group takes after a change.
    void count(consumer_group& group) noexcept;

private:
    by_name groups_;
    std::size_t size_ = 0; ///< bytes of all groups
};

} // namespace echo_broker
