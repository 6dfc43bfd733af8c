#include "echo_broker/report.hpp"

#include <cstdio>

namespace echo_broker {

void report(const boost::asio::ip::tcp::endpoint& client, std::string_view what) {
    std::fprintf(stderr, "%s:%d: %.*s\n", client.address().to_string().c_str(), client.port(),
                 static_cast<int>(what.size()), what.data());
}

void report_failure(std::string_view what, const std::exception& why) noexcept {
    std::fprintf(stderr, "%.*s failed: %s\n", static_cast<int>(what.size()), what.data(), why.what());
}

std::string in_quotes(std::string_view text) {
    constexpr std::size_t longest = 64;
    std::string out = "\"";
    for (const char c : text.substr(0, longest)) out += c >= ' ' && c <= '~' && c != '"' ? c : '?';
    return out + (text.size() > longest ? "...\"" : "\"");
}

} // namespace echo_broker
