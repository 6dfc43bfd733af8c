// One connection: frames in, answers out, one request at a time, and never longer than the deadlines allow.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace echo_broker {

class broker;

/// Accepts clients until the executor stops.
boost::asio::awaitable<void> accept(boost::asio::ip::tcp::acceptor acceptor, broker& broker);

} // namespace echo_broker
