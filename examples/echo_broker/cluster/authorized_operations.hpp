// What clients may do, for those that ask: everything, as with a Kafka that has no authorizer.
#pragma once

#include <cstdint>

namespace echo_broker {

namespace detail {

/// Kafka's numbers of operations (AclOperation) are bits.
template <class... Operations>
consteval std::int32_t operations(Operations... bits) {
    return ((1 << bits) | ...);
}
constexpr int read_ = 3, write_ = 4, create_ = 5, delete_ = 6, alter_ = 7, describe_ = 8, cluster_action_ = 9,
              describe_configs_ = 10, alter_configs_ = 11, idempotent_write_ = 12;

} // namespace detail

inline constexpr std::int32_t topic_operations =
    detail::operations(detail::read_, detail::write_, detail::create_, detail::delete_, detail::alter_,
                       detail::describe_, detail::describe_configs_, detail::alter_configs_);
inline constexpr std::int32_t cluster_operations =
    detail::operations(detail::create_, detail::alter_, detail::describe_, detail::cluster_action_,
                       detail::describe_configs_, detail::alter_configs_, detail::idempotent_write_);
inline constexpr std::int32_t group_operations = detail::operations(
    detail::read_, detail::delete_, detail::describe_, detail::describe_configs_, detail::alter_configs_);

} // namespace echo_broker
