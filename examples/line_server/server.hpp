// Accepts clients and starts what serves them.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <utility>

#include "connection.hpp"

namespace line_server {

/// Bounds on what clients may take.
struct guest_rules {
    std::size_t connections = 1000;    ///< at the same time; further ones are closed at once
    std::chrono::seconds patience{60}; ///< without a byte in either direction
};

/// Totals of all connections.
struct traffic {
    std::size_t connected = 0;            ///< now
    std::uint64_t received = 0, sent = 0; ///< bytes, of connections that ended
};

/// Serves one client; nothing that it throws reaches others.
template <class Serve, class Service>
boost::asio::awaitable<void> host(std::shared_ptr<connection> client, Serve serve, Service shared,
                                  traffic& all) {
    try {
        co_await serve(*client, shared);
    } catch (const std::exception& e) { // out of memory
        std::fprintf(stderr, "line_server: a connection ended: %s\n", e.what());
    }
    --all.connected;
    all.received += client->received;
    all.sent += client->sent;
    boost::system::error_code ignored;
    client->socket.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
    client->socket.close(ignored);
}

/// Runs until the context stops.
template <class Serve, class Service>
boost::asio::awaitable<void> accept(boost::asio::ip::tcp::acceptor acceptor, guest_rules rules, Serve serve,
                                    Service shared, traffic& all) {
    namespace asio = boost::asio;
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer pause(executor);
    for (;;) {
        auto [failure, socket] = co_await acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
        if (failure) { // most likely no descriptor is left; retrying at once would spin
            std::fprintf(stderr, "line_server: accept: %s\n", failure.message().c_str());
            pause.expires_after(std::chrono::milliseconds(100));
            co_await pause.async_wait(asio::use_awaitable);
        } else if (all.connected < rules.connections) {
            boost::system::error_code ignored;
            socket.set_option(asio::ip::tcp::no_delay(true), ignored);
            socket.native_non_blocking(true, ignored);
            ++all.connected;
            auto client = std::make_shared<connection>(std::move(socket));
            asio::co_spawn(executor, watch(client, rules.patience), asio::detached);
            asio::co_spawn(executor, host(client, serve, shared, all), asio::detached);
        }
    }
}

} // namespace line_server
