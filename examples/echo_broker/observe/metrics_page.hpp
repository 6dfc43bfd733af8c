// --metrics: a small HTTP server with the numbers of the broker.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <string>

namespace echo_broker {

class broker;

/// Answers GET /metrics in the text format of Prometheus, and GET / with a page for people. Each client may
/// send 8 KiB and has five seconds; 16 of them are served at a time.
boost::asio::awaitable<void> serve_metrics(boost::asio::ip::tcp::acceptor acceptor, broker& here);

} // namespace echo_broker
