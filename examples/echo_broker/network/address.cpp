#include "echo_broker/network/address.hpp"

#include <charconv>
#include <system_error>

namespace echo_broker {

std::optional<address> parse_address(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == text.npos) return std::nullopt;
    std::string_view host = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']'))
        host = host.substr(1, host.size() - 2);
    else if (host.contains(':')) // which of its colons is before the port?
        return std::nullopt;
    constexpr std::size_t longest = 255; // of a name in DNS
    if (host.empty() || host.size() > longest) return std::nullopt;
    for (const char c : host)
        if (c <= ' ' || c > '~') return std::nullopt;

    address out{.host = std::string(host)};
    const auto [end, failure] = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (failure != std::errc{} || end != port.data() + port.size()) return std::nullopt;
    return out;
}

std::string to_string(const address& where) {
    const bool is_v6 = where.host.contains(':');
    return (is_v6 ? "[" + where.host + "]" : where.host) + ":" + std::to_string(where.port);
}

} // namespace echo_broker
