#include "echo_broker/services.hpp"

#include <array>

#include "echo_broker/topics/handlers.hpp"

namespace echo_broker {

std::span<const service> topic_services() noexcept {
    static constexpr std::array all{
        serves<alter_configs>({0, 2}),
        serves<create_partitions>({0, 3}),
        serves<create_topics>({0, 7}),
        serves<delete_topics>({0, 6}),
        serves<describe_configs>({0, 4}),
        serves<describe_log_dirs>({1, 4}),
        serves<describe_topic_partitions>({0, 0}),
        serves<incremental_alter_configs>({0, 1}),
        serves<metadata>({0, 13}),
    };
    return all;
}

} // namespace echo_broker
