#include "echo_broker/services.hpp"

#include <array>

#include "echo_broker/cluster/handlers.hpp"

namespace echo_broker {

std::span<const service> cluster_services() noexcept {
    static constexpr std::array all{
        service{kwire::api_key::api_versions, {0, 5}, &api_versions},
        serves<describe_cluster>({0, 2}),
        serves<find_coordinator>({0, 6}),
        serves<sasl_handshake>({0, 1}),
        serves<sasl_authenticate>({0, 2}),
    };
    return all;
}

} // namespace echo_broker
