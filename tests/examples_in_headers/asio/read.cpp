// needs: asio
#include <kwire/asio/read.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

using boost::asio::use_awaitable;

void handle(const kwire::shared_buffer& frame);

boost::asio::awaitable<void> one(boost::asio::ip::tcp::socket& socket) {
    // example 1
}
boost::asio::awaitable<void> many(boost::asio::ip::tcp::socket& socket, kwire::request_reader& reader) {
    // example 2
}
