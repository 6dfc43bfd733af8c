// A group of the classic protocol: its members, what they have in common, and its state. Time-outs and
// answers are in rebalance.hpp.
#pragma once

#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/error_code.hpp>
#include <kwire/messages/join_group.hpp>
#include <kwire/messages/sync_group.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "echo_broker/groups/memory_budget.hpp"
#include "echo_broker/service.hpp"
#include "echo_broker/timers.hpp"

namespace echo_broker {

/// What a member can work with, for example an assignor of consumers and its subscription. The broker does
/// not read the metadata, except to know the topics of a group of consumers.
struct member_protocol {
    std::string name;
    kwire::shared_buffer metadata;

    friend bool operator==(const member_protocol&, const member_protocol&) = default;
};

struct group_member {
    std::string id;
    std::optional<std::string> instance_id{}; ///< of a static member (KIP-345)
    std::string client_id{}, client_host{};
    std::chrono::milliseconds rebalance_timeout{}, session_timeout{};
    std::vector<member_protocol> protocols{}; ///< the one it likes best first
    kwire::shared_buffer assignment{};
    memory_budget::share memory{}, assignment_memory{};
    timers::id expiry{}; ///< when its session ends

    bool is_new = true; ///< no JoinGroup of this member was answered yet
    /// Whether it waits for the end of a rebalance; its answer is missing if its connection has ended. Set by
    /// the group.
    bool awaits_join = false;
    std::optional<answer_to<kwire::join_group_response>> join{};
    bool awaits_sync = false; ///< for the assignment of the leader; as with `join`
    std::optional<answer_to<kwire::sync_group_response>> sync{};

    /// Null if it does not support the protocol.
    [[nodiscard]] const member_protocol* find(std::string_view protocol) const noexcept;
};

enum class group_state {
    empty,
    preparing_rebalance,
    completing_rebalance,
    stable
};
/// As Kafka writes it. A group that does not exist is "Dead".
[[nodiscard]] std::string_view to_string(group_state state) noexcept;

class classic_group {
public:
    explicit classic_group(std::string_view its_name, memory_budget::share share)
        : name(its_name), memory(std::move(share)) {}

    [[nodiscard]] group_member* find(std::string_view member_id) noexcept;
    /// The id of the member with this instance id; null if there is none.
    [[nodiscard]] const std::string* static_member(std::string_view instance_id) const noexcept;
    /// Whether a request may come from this member: UNKNOWN_MEMBER_ID or FENCED_INSTANCE_ID if not.
    [[nodiscard]] kwire::error_code check_member(std::string_view member_id,
                                                 std::optional<std::string_view> instance_id) const noexcept;
    [[nodiscard]] bool is_leader(std::string_view member_id) const noexcept { return leader == member_id; }

    group_member& add(group_member member);
    /// Forgets a member or a pending one. Its answers must have been sent.
    void remove(std::string_view member_id);
    void set_protocols(group_member& member, std::vector<member_protocol> protocols);
    /// Gives a static member a new id.
    group_member& rename(std::string_view old_id, std::string new_id);

    /// Whether someone with these protocols may join.
    template <class Protocols>
    [[nodiscard]] bool supports(std::string_view type, const Protocols& protocols) const {
        if (state == group_state::empty) return !type.empty() && !protocols.empty();
        if (protocol_type != type) return false;
        for (auto one : protocols)
            if (all_support(one.name())) return true;
        return false;
    }
    /// The protocol that most members prefer among those that all support.
    [[nodiscard]] std::string choose_protocol() const;
    /// Whether the members are consumers, whose metadata names topics.
    [[nodiscard]] bool has_consumers() const noexcept { return protocol_type == "consumer"; }
    /// Those of `topics` that members subscribe to: all, if that cannot be known of a group of consumers.
    [[nodiscard]] std::set<std::string_view> subscribed(const std::set<std::string_view>& topics) const;

    void set_awaits_join(group_member& member, bool awaits) noexcept {
        if (member.awaits_join != awaits) awaits ? ++joined_ : --joined_;
        member.awaits_join = awaits;
    }
    [[nodiscard]] std::size_t joined() const noexcept {
        return joined_;
    } ///< members that await the end of it
    [[nodiscard]] bool all_have_joined() const noexcept {
        return pending.empty() && joined_ == members.size();
    }
    /// Makes sure that the leader is a member who has joined the rebalance; false if no one has.
    [[nodiscard]] bool elect_joined_leader();
    /// The longest of its members.
    [[nodiscard]] std::chrono::milliseconds rebalance_timeout() const noexcept;
    /// The next generation: of those who have joined, or empty.
    void start_generation();
    void enter(group_state next);
    /// The members with their metadata, for the leader.
    [[nodiscard]] std::vector<kwire::join_group_response::member::data> list_members() const;

    const std::string name;
    memory_budget::share memory;
    group_state state = group_state::empty;
    bool was_empty = true; ///< before it entered its state
    std::int64_t state_since = 0;
    std::int32_t generation = 0;
    std::optional<std::string> protocol_type, protocol, leader;
    std::map<std::string, group_member, std::less<>> members;

    /// A member id that was given out; its client has not joined with it yet (KIP-394).
    struct pending_member {
        timers::id expiry;
        memory_budget::share memory;
    };
    std::map<std::string, pending_member, std::less<>> pending;
    std::set<std::string, std::less<>> not_synced; ///< members that owe a SyncGroup in this generation

    bool has_grown = false; ///< since the first rebalance began, or was last prolonged
    timers::id join_timer, sync_timer;

private:
    [[nodiscard]] bool all_support(std::string_view wanted) const noexcept;
    void count_protocols(const group_member& member, bool added);

    std::map<std::string, std::string, std::less<>> static_members_; ///< instance id to member id
    std::map<std::string, std::size_t, std::less<>> supporters_;     ///< members by protocol
    std::size_t joined_ = 0;
};

} // namespace echo_broker
