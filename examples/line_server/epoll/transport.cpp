// Readiness: the kernel says when a socket can be read, and the program then reads, into memory that it takes
// at that moment. A connection that waits needs no memory.
#include "../transport.hpp"

#include <kwire/connect/posix.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cerrno>
#include <span>

#include <unistd.h>

namespace line_server {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto quiet = asio::as_tuple(asio::use_awaitable); // errors as values

bool would_block() noexcept { return errno == EAGAIN || errno == EWOULDBLOCK; }

} // namespace

asio::awaitable<bool> read(connection& client, line_reader& lines) {
    for (;;) {
        const std::span<std::byte> room = lines.room();
        const ::ssize_t n = ::read(client.socket.native_handle(), room.data(), room.size());
        if (n > 0) {
            lines.commit(static_cast<std::size_t>(n));
            client.received += static_cast<std::size_t>(n);
            co_return true;
        }
        if (n == 0) co_return false;
        if (would_block()) {
            lines.rest();
            const auto [failure] = co_await client.socket.async_wait(tcp::socket::wait_read, quiet);
            if (failure) co_return false;
        } else if (errno != EINTR) {
            co_return false;
        }
    }
}

asio::awaitable<bool> write(connection& client, kwire::outbox& out) {
    while (!out.empty()) {
        const auto n = kwire::write_some(client.socket.native_handle(), out);
        if (!n && n.error() != std::errc::operation_would_block) co_return false;
        client.sent += n.value_or(0);
        if (out.empty()) break;
        const auto [failure] = co_await client.socket.async_wait(tcp::socket::wait_write, quiet);
        if (failure) co_return false;
    }
    co_return true;
}

} // namespace line_server
