// A plain TCP relay with the same Asio as examples/proxy, which it is compared with:
// bench/proxy_and_relay.py.
//
//     relay UPSTREAM_PORT KIB
//
// Copies what comes in on either side to the other, at most KIB KiB at a time, and knows nothing of Kafka.
// Both ends are on 127.0.0.1. Prints "listening on 127.0.0.1:PORT".
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
constexpr auto quiet = asio::as_tuple(asio::use_awaitable);
std::size_t memory = 0; // for each direction

asio::awaitable<void> copy(std::shared_ptr<tcp::socket> from, std::shared_ptr<tcp::socket> to) {
    std::vector<char> bytes(memory);
    for (;;) {
        const auto [failure, n] = co_await from->async_read_some(asio::buffer(bytes), quiet);
        if (failure) break;
        const auto [stopped, written] = co_await asio::async_write(*to, asio::buffer(bytes, n), quiet);
        if (stopped) break;
    }
    boost::system::error_code ignored;
    to->shutdown(tcp::socket::shutdown_send, ignored);
}

asio::awaitable<void> serve(std::shared_ptr<tcp::socket> client, tcp::endpoint upstream) {
    const auto executor = client->get_executor();
    auto broker = std::make_shared<tcp::socket>(executor);
    const auto [failure] = co_await broker->async_connect(upstream, quiet);
    if (failure) co_return;
    client->set_option(tcp::no_delay(true));
    broker->set_option(tcp::no_delay(true));
    asio::co_spawn(executor, copy(client, broker), asio::detached);
    asio::co_spawn(executor, copy(broker, client), asio::detached);
}

asio::awaitable<void> accept(tcp::acceptor acceptor, tcp::endpoint upstream) {
    const auto executor = acceptor.get_executor();
    for (;;) {
        auto [failure, socket] = co_await acceptor.async_accept(quiet);
        if (failure) co_return;
        asio::co_spawn(executor, serve(std::make_shared<tcp::socket>(std::move(socket)), upstream),
                       asio::detached);
    }
}

} // namespace

int main(int count, char** arguments) {
    if (count != 3) {
        std::fputs("usage: relay UPSTREAM_PORT KIB\n", stderr);
        return 2;
    }
    const auto here = asio::ip::make_address("127.0.0.1");
    const auto port = static_cast<unsigned short>(std::strtoul(arguments[1], nullptr, 10));
    memory = std::strtoul(arguments[2], nullptr, 10) << 10;
    asio::io_context context(1);
    tcp::acceptor acceptor(context, {here, 0});
    std::printf("listening on 127.0.0.1:%d\n", acceptor.local_endpoint().port());
    std::fflush(stdout);
    asio::co_spawn(context, accept(std::move(acceptor), {here, port}), asio::detached);
    context.run();
}
