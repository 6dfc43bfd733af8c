// Two sockets and the session between them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <string>

#include "session.hpp"

namespace proxy {

/// How the proxy talks to both sides.
struct transport {
    clock::duration patience;                        ///< with a receiver that takes nothing
    boost::asio::ssl::context* to_clients = nullptr; ///< if clients speak TLS; outlives the connections
    boost::asio::ssl::context* to_brokers = nullptr; ///< if brokers do
    std::string host = {};                           ///< that clients are told; empty: that they have reached
};

/// Serves clients of one listening port until the executor stops; each gets a connection of its own to the
/// broker at the first of `upstream` that accepts. That may change: names are resolved for each connection.
boost::asio::awaitable<void> accept(boost::asio::ip::tcp::acceptor acceptor,
                                    std::shared_ptr<const addresses> upstream, surroundings& in,
                                    transport how);

} // namespace proxy
