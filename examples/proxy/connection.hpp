// Two sockets and the session between them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <string>

#include "session.hpp"

namespace proxy {

/// The broker that the proxy passes requests on to. Its name is resolved for each connection.
struct upstream {
    std::string host;
    std::string port;
    clock::duration patience = std::chrono::minutes(1); ///< with a receiver that takes nothing
};

/// Accepts clients until the executor stops; each gets a connection to the broker of its own.
boost::asio::awaitable<void> accept(boost::asio::ip::tcp::acceptor acceptor, upstream broker, totals& all);

} // namespace proxy
