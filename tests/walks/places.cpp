#include "walks/places.hpp"

#include <functional>

namespace support {

bool places::structure(std::span<const std::byte> bytes, std::span<const std::uint32_t> ends) {
    const std::byte* const first = bytes.data();
    const std::byte* const end = body_.data() + body_.size();
    const bool inside = !std::less<>()(first, body_.data()) && !std::less<>()(end, first);
    if (first == nullptr || (!inside && body_.size() != 0)) {
        mix(0);
        return false;
    }
    mix(body_.empty() ? 0 : static_cast<std::uint64_t>(first - body_.data()));
    mix(bytes.size());
    for (const std::uint32_t step_end : ends) steps_ = std::rotl(steps_ ^ step_end, 7) * 0x9e3779b97f4a7c15U;
    return true;
}

} // namespace support
