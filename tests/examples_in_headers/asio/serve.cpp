// needs: asio
#include <kwire/asio/serve.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

using boost::asio::use_awaitable;

kwire::buffer_chain answer_to(const kwire::request_frame& request);

boost::asio::awaitable<void> example(boost::asio::ip::tcp::socket& socket) {
    // example 1
}
