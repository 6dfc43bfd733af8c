// Where a listener is, or where clients find one: HOST:PORT.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace echo_broker {

struct address {
    std::string host;
    std::uint16_t port = 0;

    bool operator==(const address&) const = default;
};

/// Reads "host:port"; an IPv6 address is in brackets, "[::1]:9092". nullopt for anything else.
[[nodiscard]] std::optional<address> parse_address(std::string_view text);
/// The text that parse_address reads.
[[nodiscard]] std::string to_string(const address& where);

} // namespace echo_broker
