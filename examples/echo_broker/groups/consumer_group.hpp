// A group of the new protocol (KIP-848): its members, what they shall own, and what they own.
#pragma once

#include <kwire/wire/uuid.hpp>

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "echo_broker/groups/topic_pattern.hpp"
#include "echo_broker/timers.hpp"

namespace echo_broker {

class topic_table;

struct topic_partition {
    kwire::uuid topic;
    std::int32_t partition = 0;
    friend auto operator<=>(const topic_partition&, const topic_partition&) = default;
};
using partition_set = std::set<topic_partition>;

/// How far a member has come to its target.
enum class member_state {
    stable,    ///< it owns what its epoch gives it
    unrevoked, ///< it must give up partitions first, and stays in its old epoch until it has
    unreleased ///< it waits for partitions that other members have not given up yet
};

struct consumer_group_member {
    static constexpr std::int32_t away = -2; ///< epoch of a static member that has left for a while

    std::string id;
    std::optional<std::string> instance_id, rack_id;
    std::string client_id, client_host;
    std::int32_t epoch = 0, previous_epoch = 0;
    std::chrono::milliseconds rebalance_timeout{-1};
    std::set<std::string, std::less<>> topic_names;
    std::string topic_regex; ///< "": none
    std::string assignor;    ///< "": any

    member_state state = member_state::stable;
    partition_set target;             ///< what the assignor gives it
    partition_set assigned;           ///< what it owns or may take now
    partition_set pending_revocation; ///< what it owns and must give up
    timers::id session{}, rebalance{};
};

/// The partitions that a heartbeat says its member owns; only those that the broker knows of are kept.
struct owned_partitions {
    bool given = false;  ///< a heartbeat without changes names none
    bool others = false; ///< it names some that the member does not own
    partition_set known;
};

struct consumer_group {
    static constexpr std::size_t most_members = 1000;

    struct subscribed_topic {
        std::string name;
        std::int32_t partitions = 0;
        friend bool operator==(const subscribed_topic&, const subscribed_topic&) = default;
    };
    /// A regular expression and the topics that it matches. They are looked for in parts, so that no request
    /// takes long: a new search begins when the topics have changed since the last one began.
    struct resolved_regex {
        topic_pattern pattern;
        std::set<kwire::uuid> topics;  ///< that the last complete search has found
        std::set<kwire::uuid> found;   ///< by the one that is under way
        std::string next;              ///< the name where it goes on
        std::uint64_t seen_topics = 0; ///< topic_table::changes() when it began; 0: none has begun
        bool done = false;
    };

    std::string name;
    std::int32_t epoch = 1;        ///< rises with each change of members, subscriptions and topics
    std::int32_t target_epoch = 0; ///< the epoch that the targets were made for
    std::string assignor{"uniform"};
    std::map<std::string, consumer_group_member, std::less<>> members;
    std::map<std::string, std::string, std::less<>> static_members; ///< member id by instance id
    partition_set owned;                            ///< by any member, also what is to be given up
    std::map<kwire::uuid, subscribed_topic> topics; ///< that exist and that a member subscribes to
    std::map<std::string, resolved_regex, std::less<>> regexes; ///< of the members
    std::uint64_t seen_topics = 0; ///< topic_table::changes() when `topics` was made
    std::size_t counted_size = 0;  ///< bytes, as consumer_groups counts them
    std::map<std::string, std::size_t, std::less<>>
        logged; ///< records in files: hashes of the values, by key

    [[nodiscard]] consumer_group_member* find(std::string_view member_id) noexcept;
    [[nodiscard]] consumer_group_member* find_static(std::string_view instance_id) noexcept;
    /// Kafka's name of its state.
    [[nodiscard]] std::string_view state() const noexcept;

    /// Looks up the topics that the members subscribe to; true if they have changed.
    bool resolve_topics(const topic_table& all);
    /// Whether resolve_topics() has something to look up if the subscriptions are the same.
    [[nodiscard]] bool is_outdated(const topic_table& all) const noexcept;
    /// Gives each member a new target, if the epoch has changed since the last ones.
    void update_targets();
    /// Moves a member towards its target, as far as it and the others have given up partitions.
    void reconcile(consumer_group_member& member, const owned_partitions& owns);
    /// Removes a member; what it owned is free.
    void remove(consumer_group_member& member);

    /// The ids of the existing topics that a member subscribes to.
    [[nodiscard]] std::set<kwire::uuid> topics_of(const consumer_group_member& member) const;
    /// About the bytes that this group takes.
    [[nodiscard]] std::size_t size() const noexcept;

private:
    void next_assignment(consumer_group_member& member, const owned_partitions& owns);
    [[nodiscard]] std::string_view wanted_assignor() const;
};

} // namespace echo_broker
