// needs: asio
// buffer_chain does not include Asio, but is one of its buffer sequences.
#include <kwire/buffer/buffer_chain.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/buffers_iterator.hpp>
#include <boost/asio/connect_pipe.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/writable_pipe.hpp>
#include <boost/asio/write.hpp>

#include <string>

#include "catch.hpp"

namespace asio = boost::asio;
using kwire::buffer_chain;
using kwire::shared_buffer;

static_assert(asio::is_const_buffer_sequence<buffer_chain>::value);
static_assert(!asio::is_mutable_buffer_sequence<buffer_chain>::value);
static_assert(std::convertible_to<const kwire::chain_segment&, asio::const_buffer>);
static_assert(!std::convertible_to<const kwire::chain_segment&, asio::mutable_buffer>);

namespace {

/// More segments than fit inline, and than one writev of Asio takes (64).
buffer_chain long_chain(std::string& expected) {
    buffer_chain chain;
    for (int i = 0; i < 200; ++i) {
        chain.put_u16(0x6162);
        chain.put_bytes(shared_buffer::copy_of(std::string(static_cast<std::size_t>(i) + 1, 'x')));
        expected += "ab" + std::string(static_cast<std::size_t>(i) + 1, 'x');
    }
    return chain;
}

} // namespace

TEST_CASE("Asio measures and copies a chain that was not finished") {
    std::string expected;
    const buffer_chain chain = long_chain(expected);
    CHECK(asio::buffer_size(chain) == chain.size());
    std::string out(expected.size(), '\0');
    CHECK(asio::buffer_copy(asio::buffer(out), chain) == expected.size());
    CHECK(out == expected);
    CHECK(std::string(asio::buffers_begin(chain), asio::buffers_end(chain)) == expected);
    CHECK(asio::buffer_size(buffer_chain{}) == 0);
}

TEST_CASE("an asynchronous write keeps a copy through short writes while the chain is destroyed") {
    asio::io_context context;
    asio::readable_pipe reader(context);
    asio::writable_pipe writer(context);
    asio::connect_pipe(reader, writer);
    std::string expected;
    {
        buffer_chain chain = long_chain(expected);
        chain.put_bytes(shared_buffer::copy_of(std::string(300000, 'y'))); // more than a pipe takes at once
        expected += std::string(300000, 'y');
        asio::async_write(writer, chain, [&writer](const boost::system::error_code& error, std::size_t) {
            CHECK_FALSE(error);
            writer.close();
        });
        chain.put_slice("never sent");
    }
    std::string received;
    asio::async_read(
        reader, asio::dynamic_buffer(received),
        [](const boost::system::error_code& error, std::size_t) { CHECK(error == asio::error::eof); });
    context.run();
    CHECK(received == expected);
}
