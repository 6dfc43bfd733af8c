// Bytes of a request that are kept longer than the request.
#pragma once

#include <kwire/buffer/shared_buffer.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace echo_broker {

/// A copy that does not keep the memory of the request, which may be far larger.
[[nodiscard]] inline kwire::shared_buffer own_bytes(std::span<const std::byte> bytes) {
    if (bytes.empty()) return {};
    return kwire::shared_buffer::adopt(std::vector<std::byte>(bytes.begin(), bytes.end()));
}

} // namespace echo_broker
