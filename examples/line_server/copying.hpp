// The same server as it is often written: std::string, and a copy wherever bytes change hands.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <string>

#include "canned_file.hpp"
#include "connection.hpp"
#include "downstream.hpp"

namespace line_server::copying {

struct service {
    const canned_file& file;
    downstream<std::string>& consumer;
};

/// As line_server::serve, with the same answers, byte for byte.
[[nodiscard]] boost::asio::awaitable<void> serve(connection& client, service shared);

} // namespace line_server::copying
