// One connection without copies: lines are slices of what was read, and answers are made of these slices.
#pragma once

#include <kwire/buffer/shared_buffer.hpp>

#include <boost/asio/awaitable.hpp>

#include "buffer_pool.hpp"
#include "canned_file.hpp"
#include "connection.hpp"
#include "downstream.hpp"

namespace line_server {

/// What all connections share.
struct service {
    buffer_pool& pool;
    const canned_file& file;
    downstream<kwire::shared_buffer>& consumer;
};

/// Serves `client` until it leaves, quits or breaks a rule.
[[nodiscard]] boost::asio::awaitable<void> serve(connection& client, service shared);

} // namespace line_server
