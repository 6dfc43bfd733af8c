// One connection, as the handlers see it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>

#include "echo_broker/network/address.hpp"

namespace echo_broker {

/// Whose request it is. Valid while the handler runs; a handler that answers later copies what it needs.
struct client {
    boost::asio::any_io_executor executor;            ///< of the connection
    boost::asio::ip::tcp::endpoint address;           ///< of the client
    boost::asio::ip::tcp::endpoint reached;           ///< where the client reached this broker
    const echo_broker::address* advertised = nullptr; ///< of the listener; null if it is `reached`
    std::uint64_t connection = 0;                     ///< a number of its own
    std::uint64_t newest_batch = 0; ///< number of its last stored batch, as record_store::add
};

} // namespace echo_broker
