// Reads and writes of a connection. epoll/ does them when the socket is ready, io_uring/ has the kernel do
// them.
#pragma once

#include <kwire/connect/outbox.hpp>

#include <boost/asio/awaitable.hpp>

#include "connection.hpp"
#include "line_reader.hpp"

namespace line_server {

/// Reads once into `lines`, and waits for the bytes if it must. Returns whether there were some: false at the
/// end of the stream and after an error.
[[nodiscard]] boost::asio::awaitable<bool> read(connection& client, line_reader& lines);

/// Writes all of `out`. Returns whether it could.
[[nodiscard]] boost::asio::awaitable<bool> write(connection& client, kwire::outbox& out);

} // namespace line_server
