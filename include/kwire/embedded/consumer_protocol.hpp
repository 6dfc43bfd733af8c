/// The subscriptions and assignments that consumers put into the group requests as bytes.
///
///     for (auto member : join->members()) {
///         auto subscription = kwire::subscription_of(member);
///         if (!subscription) return reject(subscription.error());
///         for (auto topic : subscription->topics()) subscribe(member.member_id(), topic);
///     }
///
/// Only groups of consumers have them: where `protocol_type` is not "consumer", the bytes are of another
/// protocol, such as Kafka Connect's. `subscription_of(group, member)` looks at the field,
/// `subscription_of(member)` does not: then such bytes give an error, or a subscription without meaning.
#pragma once

#include <kwire/buffer/held.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/messages/view/consumer_protocol_assignment.hpp>
#include <kwire/messages/view/consumer_protocol_subscription.hpp>
#include <kwire/messages/view/describe_groups.hpp>
#include <kwire/messages/view/group_metadata_record.hpp>
#include <kwire/messages/view/join_group.hpp>
#include <kwire/messages/view/sync_group.hpp>
#include <kwire/read/versioned.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace kwire {

namespace detail {

// Where the bytes of a subscription are.
template <int V>
std::span<const std::byte>
subscription_bytes(const struct_view<join_group_request::protocol, V>& view) noexcept {
    return static_cast<const join_group_request::protocol::basic_view<V>&>(view).metadata();
}
template <int V>
std::span<const std::byte>
subscription_bytes(const struct_view<join_group_response::member, V>& view) noexcept {
    return static_cast<const join_group_response::member::basic_view<V>&>(view).metadata();
}
template <int V>
std::span<const std::byte>
subscription_bytes(const struct_view<describe_groups_response::described_group_member, V>& view) noexcept {
    return static_cast<const describe_groups_response::described_group_member::basic_view<V>&>(view)
        .member_metadata();
}
template <int V>
std::span<const std::byte>
subscription_bytes(const struct_view<group_metadata_value::member_metadata, V>& view) noexcept {
    return static_cast<const group_metadata_value::member_metadata::basic_view<V>&>(view).subscription();
}

// Where those of an assignment are.
template <int V>
std::span<const std::byte>
assignment_bytes(const struct_view<sync_group_request::assignment, V>& view) noexcept {
    return static_cast<const sync_group_request::assignment::basic_view<V>&>(view).assignment();
}
template <int V>
std::span<const std::byte> assignment_bytes(const struct_view<sync_group_response, V>& view) noexcept {
    return static_cast<const sync_group_response::basic_view<V>&>(view).assignment();
}
template <int V>
std::span<const std::byte>
assignment_bytes(const struct_view<describe_groups_response::described_group_member, V>& view) noexcept {
    return static_cast<const describe_groups_response::described_group_member::basic_view<V>&>(view)
        .member_assignment();
}
template <int V>
std::span<const std::byte>
assignment_bytes(const struct_view<group_metadata_value::member_metadata, V>& view) noexcept {
    return static_cast<const group_metadata_value::member_metadata::basic_view<V>&>(view).assignment();
}

template <class View>
concept with_subscription = requires(const View& view) { subscription_bytes(view); };
template <class View>
concept with_assignment = requires(const View& view) { assignment_bytes(view); };
template <class Group>
    requires requires(const Group& group) { group.protocol_type(); }
std::optional<std::string_view> protocol_type_of(const Group& group) noexcept {
    return group.protocol_type();
}
template <class Group>
std::optional<std::string_view> protocol_type_of(const held<Group>& group) noexcept {
    return group.view().protocol_type();
}
template <class Group>
concept with_protocol_type = requires(const Group& group) { protocol_type_of(group); };

/// The error of a group that says that it is not one of consumers. One that says nothing passes: before v7 of
/// JoinGroup's response and v5 of SyncGroup only JoinGroup's request has the field.
template <with_protocol_type Group>
[[nodiscard]] std::optional<error> refuse_protocol_type(const Group& group) noexcept {
    const std::optional<std::string_view> type = protocol_type_of(group);
    if (!type || *type == "consumer") return std::nullopt;
    error e{.code = errc::bad_value, .located = false};
    e.enter({"protocol_type"});
    return e;
}

template <class M>
[[nodiscard]] result<message<M>> parse_held(const std::optional<shared_buffer>& bytes,
                                            parse_options options) noexcept {
    return parse_versioned<M>(bytes.value_or(shared_buffer()), options);
}

} // namespace detail

/// The subscription of a member: of `protocols` in a JoinGroup request, `members` in its response, `members`
/// in a DescribeGroups response, or `members` in a group_metadata_value.
///
/// As parse_versioned_view, whose errors it has, with offsets from the first byte of the subscription.
/// `absent` in a DescribeGroups response means that the group is still forming. Valid while the member's
/// bytes are. kafkajs and kafka-go write subscriptions that need `options.missing_newer_fields`.
template <detail::with_subscription Member>
[[nodiscard]] expected<consumer_protocol_subscription::view, error>
subscription_of(const Member& member, parse_options options = {}) noexcept {
    return parse_versioned_view<consumer_protocol_subscription>(detail::subscription_bytes(member), options);
}
/// The same, if `group`, the message or the view that `member` is in, has no other protocol_type than
/// "consumer": bad_value if it has. Where its version lacks the field, its type is not checked.
template <detail::with_protocol_type Group, detail::with_subscription Member>
[[nodiscard]] expected<consumer_protocol_subscription::view, error>
subscription_of(const Group& group, const Member& member, parse_options options = {}) noexcept {
    if (const auto refusal = detail::refuse_protocol_type(group)) return unexpected(*refusal);
    return subscription_of(member, options);
}
/// Both with the bytes kept alive.
template <detail::with_subscription Member>
[[nodiscard]] result<message<consumer_protocol_subscription>>
subscription_of(const held<Member>& member, parse_options options = {}) noexcept {
    return detail::parse_held<consumer_protocol_subscription>(
        member.slice(detail::subscription_bytes(member.view())), options);
}
template <detail::with_protocol_type Group, detail::with_subscription Member>
[[nodiscard]] result<message<consumer_protocol_subscription>>
subscription_of(const Group& group, const held<Member>& member, parse_options options = {}) noexcept {
    if (const auto refusal = detail::refuse_protocol_type(group)) return unexpected(*refusal);
    return subscription_of(member, options);
}

/// The assignment of a member: of `assignments` in a SyncGroup request, of a SyncGroup response, `members` in
/// a DescribeGroups response, or `members` in a group_metadata_value.
///
/// As parse_versioned_view, whose errors it has, with offsets from the first byte of the assignment. `absent`
/// means that the member has no partitions: so brokers and some leaders write it. Valid while the member's
/// bytes are.
template <detail::with_assignment Member>
[[nodiscard]] expected<consumer_protocol_assignment::view, error>
assignment_of(const Member& member, parse_options options = {}) noexcept {
    return parse_versioned_view<consumer_protocol_assignment>(detail::assignment_bytes(member), options);
}
/// The same, if `group`, the message or the view that `member` is in, has no other protocol_type than
/// "consumer": bad_value if it has. Where its version lacks the field, its type is not checked. For a
/// SyncGroup response pass it twice.
template <detail::with_protocol_type Group, detail::with_assignment Member>
[[nodiscard]] expected<consumer_protocol_assignment::view, error>
assignment_of(const Group& group, const Member& member, parse_options options = {}) noexcept {
    if (const auto refusal = detail::refuse_protocol_type(group)) return unexpected(*refusal);
    return assignment_of(member, options);
}
/// Both with the bytes kept alive: `member` may be a message<sync_group_response>.
template <detail::with_assignment Member>
[[nodiscard]] result<message<consumer_protocol_assignment>>
assignment_of(const held<Member>& member, parse_options options = {}) noexcept {
    return detail::parse_held<consumer_protocol_assignment>(
        member.slice(detail::assignment_bytes(member.view())), options);
}
template <detail::with_protocol_type Group, detail::with_assignment Member>
[[nodiscard]] result<message<consumer_protocol_assignment>>
assignment_of(const Group& group, const held<Member>& member, parse_options options = {}) noexcept {
    if (const auto refusal = detail::refuse_protocol_type(group)) return unexpected(*refusal);
    return assignment_of(member, options);
}

} // namespace kwire
