#include "echo_broker/services.hpp"

#include <vector>

#include "echo_broker/broker.hpp"

namespace echo_broker {

std::span<const service> all_services() noexcept {
    static const std::vector<service> all = [] {
        std::vector<service> out;
        for (const auto family : {record_services(), cluster_services(), topic_services(), group_services(),
                                  transaction_services()})
            out.insert(out.end(), family.begin(), family.end());
        return out;
    }();
    return all;
}

} // namespace echo_broker
