// A client's socket, and whether there is progress on it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

namespace line_server {

struct connection {
    explicit connection(boost::asio::ip::tcp::socket s) : socket(std::move(s)) {}

    boost::asio::ip::tcp::socket socket;
    std::uint64_t received = 0, sent = 0; ///< bytes
};

/// Closes the socket when no byte moves in either direction for `patience`.
[[nodiscard]] boost::asio::awaitable<void> watch(std::shared_ptr<connection> client,
                                                 std::chrono::seconds patience);

} // namespace line_server
