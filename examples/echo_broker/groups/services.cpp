#include "echo_broker/services.hpp"

#include <array>

#include "echo_broker/groups/handlers.hpp"

namespace echo_broker {

std::span<const service> group_services() noexcept {
    static constexpr std::array all{
        serves<consumer_group_heartbeat>({0, 1}),
        serves<consumer_group_describe>({0, 1}),
        serves<join_group>({0, 9}),
        serves<sync_group>({0, 5}),
        serves<heartbeat>({0, 4}),
        serves<leave_group>({0, 5}),
        serves<describe_groups>({0, 6}),
        serves<list_groups>({0, 5}),
        serves<delete_groups>({0, 3}),
        serves<offset_commit>({0, 10}),
        serves<offset_fetch>({0, 10}),
        serves<offset_delete>({0, 0}),
        serves<txn_offset_commit>({0, 6}),
    };
    return all;
}

} // namespace echo_broker
