// The APIs by family. Each folder lists its own; services.cpp puts them together.
#pragma once

#include <span>

#include "echo_broker/service.hpp"

namespace echo_broker {

[[nodiscard]] std::span<const service> record_services() noexcept;      ///< records/
[[nodiscard]] std::span<const service> cluster_services() noexcept;     ///< cluster/
[[nodiscard]] std::span<const service> topic_services() noexcept;       ///< topics/
[[nodiscard]] std::span<const service> group_services() noexcept;       ///< groups/
[[nodiscard]] std::span<const service> transaction_services() noexcept; ///< transactions/

} // namespace echo_broker
