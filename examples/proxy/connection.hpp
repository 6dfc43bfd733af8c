// Two sockets and the session between them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <memory>

#include "session.hpp"

namespace proxy {

/// Serves clients of one listening port until the executor stops; each gets a connection of its own to the
/// broker at `upstream`, which may change: its name is resolved for each connection.
boost::asio::awaitable<void> accept(boost::asio::ip::tcp::acceptor acceptor,
                                    std::shared_ptr<const address> upstream, surroundings& in,
                                    clock::duration patience);

} // namespace proxy
