#include "echo_broker/groups/member_id.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <random>

namespace echo_broker {

std::string new_member_id(std::string_view name) {
    static std::random_device random; // 32 bits at a time
    const auto bits = [](std::uint32_t mask) { return random() & mask; };
    std::array<char, 37> uuid{};
    std::snprintf(uuid.data(), uuid.size(), "%08x-%04x-4%03x-%04x-%08x%04x", bits(~0U), bits(0xffff),
                  bits(0xfff), bits(0x3fff) | 0x8000, bits(~0U), bits(0xffff));
    return std::string(name) + '-' + uuid.data();
}

} // namespace echo_broker
