#include "echo_broker/services.hpp"

#include <array>

#include "echo_broker/records/handlers.hpp"

namespace echo_broker {

std::span<const service> record_services() noexcept {
    static constexpr std::array all{
        serves<produce>({0, 13}),
        serves<fetch>({0, 18}),
        serves<list_offsets>({0, 11}),
        serves<delete_records>({0, 2}),
        serves<offset_for_leader_epoch>({0, 4}),
    };
    return all;
}

} // namespace echo_broker
