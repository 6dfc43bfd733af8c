// Completion: the program asks for bytes and says where they go, and the kernel says when they are there. The
// memory belongs to the kernel until then, so a connection that waits keeps a block.
#include "../transport.hpp"

#include <kwire/connect/posix.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace line_server {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto quiet = asio::as_tuple(asio::use_awaitable); // errors as values

/// io_uring has no sendfile, so a file is sent when the socket is ready.
asio::awaitable<bool> write_file(connection& client, kwire::outbox& out) {
    const auto [failure] = co_await client.socket.async_wait(tcp::socket::wait_write, quiet);
    if (failure) co_return false;
    const auto n = kwire::write_some(client.socket.native_handle(), out);
    client.sent += n.value_or(0);
    co_return n || n.error() == std::errc::operation_would_block;
}

} // namespace

asio::awaitable<bool> read(connection& client, line_reader& lines) {
    const std::span<std::byte> room = lines.room();
    const auto [failure, n] =
        co_await client.socket.async_read_some(asio::buffer(room.data(), room.size()), quiet);
    if (failure) co_return false;
    lines.commit(n);
    client.received += n;
    co_return true;
}

asio::awaitable<bool> write(connection& client, kwire::outbox& out) {
    std::array<asio::const_buffer, 64> pieces; // what Asio gives the kernel at once
    while (!out.empty()) {
        const std::size_t count = out.gather(pieces);
        if (count == 0) {
            if (!co_await write_file(client, out)) co_return false;
            continue;
        }
        const std::span<const asio::const_buffer> some(pieces.data(), count);
        const auto [failure, n] = co_await client.socket.async_write_some(some, quiet);
        if (failure) co_return false;
        out.sent(n);
        client.sent += n;
    }
    co_return true;
}

} // namespace line_server
