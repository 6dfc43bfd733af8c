// --metrics: the numbers of the proxy over HTTP.
#pragma once

#include <kwire/connect/counting_metrics.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "session.hpp"

namespace proxy {

/// Answers GET /metrics in the text format of Prometheus. Each client has five seconds and may send 8 KiB; 16
/// of them are served at a time.
boost::asio::awaitable<void> serve_metrics(boost::asio::ip::tcp::acceptor acceptor,
                                           const kwire::counting_metrics& counted, const totals& all);

} // namespace proxy
