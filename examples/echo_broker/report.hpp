// Lines on stderr. What clients send is printed so that it cannot break a line or flood the output.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <string>
#include <string_view>

namespace echo_broker {

/// Writes one line: the address of a client, and what happened to it.
void report(const boost::asio::ip::tcp::endpoint& client, std::string_view what);

/// A text of a client in quotes: at most 64 bytes of it, and `?` for what is not printable ASCII.
[[nodiscard]] std::string quoted(std::string_view text);

} // namespace echo_broker
