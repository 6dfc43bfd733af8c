// needs: asio
#include <kwire/asio.hpp>
#include <kwire/connect/counting_metrics.hpp>
#include <kwire/connect/prometheus.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

using boost::asio::use_awaitable;

void handler(const kwire::request_frame& request, kwire::responder answer);

boost::asio::awaitable<void> example(boost::asio::ip::tcp::socket& socket,
                                     const kwire::serve_options& options) {
    // example 1
}
