#include "connection.hpp"

#include <kwire/asio.hpp>
#include <kwire/error_text.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <string_view>
#include <utility>

namespace proxy {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto quiet = asio::as_tuple(asio::use_awaitable); // errors as values

/// A client and its broker. One coroutine reads requests, another one responses. Each writes a frame before
/// it reads the next, so a slow receiver stops its sender.
class connection {
public:
    connection(tcp::socket accepted, totals& all)
        : client(std::move(accepted)),
          broker(client.get_executor()),
          answered(client.get_executor(), clock::time_point::max()),
          session_(own, all) {
        const tcp::endpoint here = client.local_endpoint(ignored), there = client.remote_endpoint(ignored);
        own = {.host = here.address().to_string(), .port = here.port()};
        peer = there.address().to_string() + ":" + std::to_string(there.port());
        client.set_option(tcp::no_delay(true), ignored);
    }

    /// Connects to the broker; false if that failed and the connection has ended.
    asio::awaitable<bool> connect(upstream to);
    asio::awaitable<void> requests();
    asio::awaitable<void> responses();

    /// Closes both sides, and says why unless `why` is empty. Only the first call counts.
    void end(std::string_view why);

private:
    void end(std::string_view side, error_code failure, const kwire::frame_reader* reader = nullptr);

    address own; ///< where this client reached the proxy
    std::string peer;
    tcp::socket client, broker;
    asio::steady_timer answered; ///< never expires; cancelled when a response has come
    session session_;
    error_code ignored;
    bool ended = false;
};

asio::awaitable<bool> connection::connect(upstream to) {
    tcp::resolver resolver(client.get_executor());
    auto [not_found, endpoints] = co_await resolver.async_resolve(to.host, to.port, quiet);
    auto failure = not_found;
    if (!failure) {
        auto [refused, endpoint] = co_await asio::async_connect(broker, endpoints, quiet);
        failure = refused;
    }
    if (failure) {
        end(to.host + ":" + to.port + ": " + failure.message());
        co_return false;
    }
    broker.set_option(tcp::no_delay(true), ignored);
    co_return true;
}

asio::awaitable<void> connection::requests() {
    while (!ended) {
        if (session_.pending.full()) { // also while the answer to SaslHandshake decides what the client sends
            co_await answered.async_wait(quiet);
            continue;
        }
        auto [failure, frame] = co_await kwire::async_read_frame(client, session_.client_stream, quiet);
        if (failure == asio::error::eof) { // the client may still wait for responses
            broker.shutdown(tcp::socket::shutdown_send, ignored);
            co_return;
        }
        if (failure) co_return end("client", failure, &session_.client_stream);
        if (const auto done = session_.from_client(std::move(frame)); !done)
            co_return end("client: " + kwire::to_string(done.error()));

        auto& to_broker = session_.to_broker;
        if (!to_broker.empty()) {
            auto [not_written, size] = co_await asio::async_write(broker, to_broker, quiet);
            if (not_written) co_return end("broker", not_written);
            to_broker.clear();
        } else { // ApiVersions, answered by the proxy; then no response of the broker is under way
            auto [not_written, size] = co_await asio::async_write(client, session_.to_client, quiet);
            if (not_written) co_return end("client", not_written);
            session_.to_client.clear();
        }
    }
}

asio::awaitable<void> connection::responses() {
    auto& to_client = session_.to_client;
    while (!ended) {
        auto [failure, frame] = co_await kwire::async_read_frame(broker, session_.broker_stream, quiet);
        if (failure) co_return end("broker", failure, &session_.broker_stream);
        if (const auto done = session_.from_broker(std::move(frame)); !done)
            co_return end("broker: " + kwire::to_string(done.error()));
        answered.cancel();

        auto [not_written, size] = co_await asio::async_write(client, to_client, quiet);
        if (not_written) co_return end("client", not_written);
        to_client.clear();
    }
}

void connection::end(std::string_view why) {
    if (std::exchange(ended, true)) return;
    if (!why.empty())
        std::fprintf(stderr, "%s: %.*s\n", peer.c_str(), static_cast<int>(why.size()), why.data());
    client.close(ignored);
    broker.close(ignored);
    answered.cancel();
}

void connection::end(std::string_view side, error_code failure, const kwire::frame_reader* reader) {
    const auto refusal = reader != nullptr ? reader->end_of_stream() : std::nullopt;
    const std::string what = refusal ? kwire::to_string(*refusal) : failure.message();
    const bool regular = failure == asio::error::eof && session_.pending.in_flight() == 0;
    end(regular ? std::string() : std::string(side) + ": " + what);
}

asio::awaitable<void> serve(std::shared_ptr<connection> one, upstream broker) {
    if (!co_await one->connect(std::move(broker))) co_return;
    // The handlers keep the connection alive until both coroutines have ended.
    const auto ended = [one](std::exception_ptr failure) {
        try {
            if (failure) std::rethrow_exception(failure);
        } catch (const std::exception& e) { // out of memory
            one->end(e.what());
        }
    };
    const auto executor = co_await asio::this_coro::executor;
    asio::co_spawn(executor, one->requests(), ended);
    asio::co_spawn(executor, one->responses(), ended);
}

} // namespace

asio::awaitable<void> accept(tcp::acceptor acceptor, upstream broker, totals& all) {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer pause(executor);
    for (;;) {
        auto [failure, socket] = co_await acceptor.async_accept(quiet);
        if (!failure) {
            ++all.connections;
            auto one = std::make_shared<connection>(std::move(socket), all);
            asio::co_spawn(executor, serve(one, broker), [one](std::exception_ptr thrown) {
                if (thrown) one->end("out of memory");
            });
        } else { // most likely no file descriptor is left; retrying at once would spin
            std::fprintf(stderr, "accept: %s\n", failure.message().c_str());
            pause.expires_after(std::chrono::milliseconds(100));
            co_await pause.async_wait(quiet);
        }
    }
}

} // namespace proxy
