// One connection: frames in, responses out, one request at a time, with a deadline for each step.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace echo_broker {

class broker;
struct options;

/// Accepts clients until the executor stops.
boost::asio::awaitable<void> accept(boost::asio::ip::tcp::acceptor acceptor, broker& broker,
                                    const options& chosen);

} // namespace echo_broker
