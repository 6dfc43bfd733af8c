/// What fields mean when another field of the message must say it: the resource of a setting or of an ACL,
/// whom a quota limits, whose coordinator is looked for, what members of a group tell each other.
///
///     // ResourceName of DescribeConfigs is marked config_resource; its struct has a config_resource_type, here 2
///     constexpr entity kind = meaning_of(entity::config_resource, std::int64_t{2});
///     static_assert(kind == entity::topic_name);
///
/// | a field with this meaning | is decided by a field with this one | which lies |
/// |---|---|---|
/// | `config_resource` | `config_resource_type` | in the same struct |
/// | `acl_resource` | `acl_resource_type` | in the same struct, beside the `acl_pattern_type` |
/// | `quota_entity` | `quota_entity_type` | in the same struct |
/// | `coordinator_key` | `coordinator_key_type` | in the same struct of the request; answers have none |
/// | `subscription`, `assignment` | `protocol_type` | in the same struct or one around it, if the message has
/// one |
///
/// A struct has at most one field that decides. Where a version lacks it, its default decides, as for any
/// field: of KeyType 0, a group; of ListConfigResources' ResourceType 16, metrics of clients; of PatternType
/// 3, a name.
#pragma once

#include <kwire/schema/field.hpp>

#include <cstdint>
#include <string_view>

namespace kwire::inline KWIRE_ABI {

/// The name of a meaning as the code writes it, such as `topic_name`; empty for values that have none.
[[nodiscard]] constexpr std::string_view name_of(entity what) noexcept {
    switch (what) {
    case entity::none: return "none";
    case entity::broker_id: return "broker_id";
    case entity::topic_name: return "topic_name";
    case entity::topic_id: return "topic_id";
    case entity::group_id: return "group_id";
    case entity::producer_id: return "producer_id";
    case entity::transactional_id: return "transactional_id";
    case entity::host: return "host";
    case entity::port: return "port";
    case entity::cluster_id: return "cluster_id";
    case entity::rack: return "rack";
    case entity::client_id: return "client_id";
    case entity::client_host: return "client_host";
    case entity::client_port: return "client_port";
    case entity::principal: return "principal";
    case entity::principal_type: return "principal_type";
    case entity::principal_name: return "principal_name";
    case entity::token_id: return "token_id";
    case entity::member_id: return "member_id";
    case entity::instance_id: return "instance_id";
    case entity::protocol_type: return "protocol_type";
    case entity::subscription: return "subscription";
    case entity::assignment: return "assignment";
    case entity::topic_pattern: return "topic_pattern";
    case entity::transaction_pattern: return "transaction_pattern";
    case entity::client_metrics: return "client_metrics";
    case entity::share_partition: return "share_partition";
    case entity::config_name: return "config_name";
    case entity::config_value: return "config_value";
    case entity::config_resource: return "config_resource";
    case entity::config_resource_type: return "config_resource_type";
    case entity::acl_resource: return "acl_resource";
    case entity::acl_resource_type: return "acl_resource_type";
    case entity::acl_pattern_type: return "acl_pattern_type";
    case entity::quota_entity: return "quota_entity";
    case entity::quota_entity_type: return "quota_entity_type";
    case entity::coordinator_key: return "coordinator_key";
    case entity::coordinator_key_type: return "coordinator_key_type";
    }
    return {};
}

/// The meaning of the field that decides what one with this meaning is, by the table above; none if its
/// meaning needs no other.
[[nodiscard]] constexpr entity decided_by(entity what) noexcept {
    switch (what) {
    case entity::config_resource: return entity::config_resource_type;
    case entity::acl_resource: return entity::acl_resource_type;
    case entity::quota_entity: return entity::quota_entity_type;
    case entity::coordinator_key: return entity::coordinator_key_type;
    case entity::subscription:
    case entity::assignment: return entity::protocol_type;
    default: return entity::none;
    }
}

/// What a field names whose kind another field says as a number.
///
/// The numbers are those of Kafka's `ConfigResource.Type`, `ResourceType` and `CoordinatorType`. `none` if
/// the number is of no kind that has a name of its own: any (1), unknown ones, and the cluster as a resource
/// of ACLs, whose name is always "kafka-cluster". A broker as a resource is its id in decimal digits, or
/// empty for all brokers. An ACL on users names a principal ("User:alice", KIP-373). Returns `what` if
/// nothing decides it.
[[nodiscard]] constexpr entity meaning_of(entity what, std::int64_t decided) noexcept {
    switch (what) {
    case entity::config_resource:
        switch (decided) {
        case 2: return entity::topic_name;
        case 4:
        case 8: return entity::broker_id;
        case 16: return entity::client_metrics;
        case 32: return entity::group_id;
        default: return entity::none;
        }
    case entity::acl_resource:
        switch (decided) {
        case 2: return entity::topic_name;
        case 3: return entity::group_id;
        case 5: return entity::transactional_id;
        case 6: return entity::token_id;
        case 7: return entity::principal;
        default: return entity::none;
        }
    case entity::coordinator_key:
        switch (decided) {
        case 0: return entity::group_id;
        case 1: return entity::transactional_id;
        case 2: return entity::share_partition;
        default: return entity::none;
        }
    case entity::quota_entity:
    case entity::subscription:
    case entity::assignment: return entity::none; // texts decide
    default: return what;
    }
}

/// What a field names whose kind another field says as text, otherwise as above.
///
/// An empty or absent protocol type (SyncGroup below version 5 has none) decides nothing: the bytes are then
/// what `what` says or those of another protocol, such as Kafka Connect's.
[[nodiscard]] constexpr entity meaning_of(entity what, std::string_view decided) noexcept {
    switch (what) {
    case entity::quota_entity:
        if (decided == "user") return entity::principal_name;
        if (decided == "client-id") return entity::client_id;
        if (decided == "ip") return entity::client_host;
        return entity::none;
    case entity::subscription:
    case entity::assignment: return decided.empty() || decided == "consumer" ? what : entity::none;
    case entity::config_resource:
    case entity::acl_resource:
    case entity::coordinator_key: return entity::none; // numbers decide
    default: return what;
    }
}

} // namespace kwire::inline KWIRE_ABI
