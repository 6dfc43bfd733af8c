// The time as records have it.
#pragma once

#include <chrono>
#include <cstdint>

namespace echo_broker {

/// Milliseconds since 1970.
[[nodiscard]] inline std::int64_t milliseconds_now() noexcept {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

} // namespace echo_broker
