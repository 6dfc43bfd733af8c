#include "connection.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace line_server {

boost::asio::awaitable<void> watch(std::shared_ptr<connection> client, std::chrono::seconds patience) {
    using namespace std::chrono_literals;
    boost::asio::steady_timer tick(co_await boost::asio::this_coro::executor);
    boost::system::error_code ignored;
    std::uint64_t seen = 0;
    for (auto quiet = 0s; client->socket.is_open(); ++quiet) {
        if (const std::uint64_t moved = client->received + client->sent; moved != seen) {
            seen = moved;
            quiet = 0s;
        }
        if (quiet >= patience) client->socket.close(ignored); // ends what is waited for
        tick.expires_after(1s);
        co_await tick.async_wait(boost::asio::use_awaitable);
    }
}

} // namespace line_server
