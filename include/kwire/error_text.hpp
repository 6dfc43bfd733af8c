/// Errors and Kafka's error codes as std::string, for programs that keep or concatenate texts; `describe`
/// (error.hpp) does not allocate.
#pragma once

#include <kwire/error.hpp>
#include <kwire/error_code.hpp>

#include <string>
#include <string_view>

namespace kwire::inline KWIRE_ABI {

/// The line that describe() returns for an error: message, version, path, code, offset, sizes.
[[nodiscard]] inline std::string to_string(const error& what) {
    const error_text text = describe(what);
    return std::string(text.view());
}

/// Kafka's name of a code and its number: "NOT_LEADER_OR_FOLLOWER (6)". Codes that are newer than kwire are
/// all named UNKNOWN, and only their numbers tell them apart.
[[nodiscard]] inline std::string to_string(error_code code) {
    return std::string(name_of(code)) + " (" + std::to_string(static_cast<int>(code)) + ")";
}

} // namespace kwire::inline KWIRE_ABI
