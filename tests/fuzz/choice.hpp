/// Which message an input of the fuzzers is about: its first two bytes say which type, the third which
/// version.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "generated/all.hpp"

namespace support {

/// An input taken apart.
struct chosen_message {
    const message_type* type = nullptr;
    int version = 0;
    std::span<const std::byte> body;
};

inline const std::vector<message_type>& fuzzed_messages() {
    static const std::vector<message_type> all = all_messages();
    return all;
}

inline std::size_t versions_of(const message_type& type) {
    return static_cast<std::size_t>(type.facts.versions.last - type.facts.versions.first + 1);
}

/// `input` must have three bytes at least; every value of them chooses something.
inline chosen_message choose(std::span<const std::byte> input) {
    const auto& all = fuzzed_messages();
    const auto number = std::to_integer<std::size_t>(input[0]) << 8 | std::to_integer<std::size_t>(input[1]);
    const message_type& type = all[number % all.size()];
    const std::size_t version = std::to_integer<std::size_t>(input[2]) % versions_of(type);
    return {&type, type.facts.versions.first + static_cast<int>(version), input.subspan(3)};
}

} // namespace support
