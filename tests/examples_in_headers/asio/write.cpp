// needs: asio
#include <kwire/asio/write.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

using boost::asio::use_awaitable;

boost::asio::awaitable<void> example(boost::asio::ip::tcp::socket& socket, kwire::outbox& out,
                                     kwire::buffer_chain answer) {
    // example 1
}
