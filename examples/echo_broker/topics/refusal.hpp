// Why a request about a topic is not done.
#pragma once

#include <kwire/error_code.hpp>
#include <kwire/expected.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace echo_broker {

/// The code, and a text for the client's log.
struct refusal {
    kwire::error_code code{};
    std::string why;
};

[[nodiscard]] inline kwire::unexpected<refusal> refuse(kwire::error_code code, std::string why) {
    return kwire::unexpected(refusal{code, std::move(why)});
}

/// topic_table::valid_name in words.
inline constexpr const char* name_rule =
    "a name of a topic has 1 to 249 letters, digits, dots, underscores and hyphens, and is not . or ..";

} // namespace echo_broker
