// needs: asio
#include <kwire/asio.hpp>
#include <kwire/buffer/buffer_chain.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

void example(boost::asio::ip::tcp::socket& socket, std::uint32_t length,
             const kwire::shared_buffer& payload) {
    // example 1
}
