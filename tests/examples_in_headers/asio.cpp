// needs: asio
#include <kwire/asio.hpp>
#include <kwire/buffer/buffer_chain.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

using boost::asio::use_awaitable;

kwire::buffer_chain answer_to(const kwire::shared_buffer& frame);

boost::asio::awaitable<void> example(boost::asio::ip::tcp::socket& socket) {
    // example 1
}
