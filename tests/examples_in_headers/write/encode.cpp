// needs: asio
#include <kwire/asio.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/write/encode.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

namespace asio = boost::asio;

void fail(const kwire::error& why);

void example(asio::ip::tcp::socket& socket) {
    // example 1
}

void example(const kwire::metadata_response::data& answer) {
    // example 2
}
