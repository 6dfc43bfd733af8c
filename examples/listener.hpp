/// Accepts connections at a port of 127.0.0.1, for mini_broker and mini_proxy.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

namespace listener {

namespace asio = boost::asio;
using asio::ip::tcp;

inline tcp::endpoint local(const char* port) {
    return {asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(std::stoi(port))};
}

template <class Serve>
asio::awaitable<void> accept_all(tcp::acceptor& acceptor, const Serve& serve) {
    for (;;) {
        auto socket = co_await acceptor.async_accept(asio::use_awaitable);
        asio::co_spawn(acceptor.get_executor(), serve(std::move(socket)), asio::detached);
    }
}

/// Runs `serve(socket)`, a coroutine, for each connection, all on one thread. Port 0 is any that is free.
template <class Serve>
void run(tcp::endpoint at, const Serve& serve) {
    asio::io_context context(1);
    tcp::acceptor acceptor(context, at);
    std::printf("listening on 127.0.0.1:%u\n", static_cast<unsigned>(acceptor.local_endpoint().port()));
    std::fflush(stdout);
    asio::co_spawn(context, accept_all(acceptor, serve), asio::detached);
    context.run();
}

} // namespace listener
