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
#include <string>
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
        : client_(std::move(accepted)),
          broker_(client_.get_executor()),
          answered_(client_.get_executor(), clock::time_point::max()),
          session_(own_, all) {
        const tcp::endpoint here = client_.local_endpoint(ignored_),
                            there = client_.remote_endpoint(ignored_);
        own_ = {.host = here.address().to_string(), .port = here.port()};
        peer_ = there.address().to_string() + ":" + std::to_string(there.port());
        client_.set_option(tcp::no_delay(true), ignored_);
    }

    /// Connects to the broker; false if that failed and the connection has ended.
    asio::awaitable<bool> connect(upstream to);
    asio::awaitable<void> requests();
    asio::awaitable<void> responses();

    /// Closes both sides, and says why unless `why` is empty. Only the first call counts.
    void end(std::string_view why);

private:
    void lost_client(error_code failure);
    void lost_broker(error_code failure);

    address own_; ///< where this client reached the proxy
    std::string peer_;
    tcp::socket client_, broker_;
    asio::steady_timer answered_; ///< never expires; cancelled when a response has come
    session session_;
    error_code ignored_;
    bool ended_ = false;
};

asio::awaitable<bool> connection::connect(upstream to) {
    tcp::resolver resolver(client_.get_executor());
    auto [not_found, endpoints] = co_await resolver.async_resolve(to.host, to.port, quiet);
    auto failure = not_found;
    if (!failure) {
        auto [refused, endpoint] = co_await asio::async_connect(broker_, endpoints, quiet);
        failure = refused;
    }
    if (failure) {
        end(to.host + ":" + to.port + ": " + failure.message());
        co_return false;
    }
    broker_.set_option(tcp::no_delay(true), ignored_);
    co_return true;
}

asio::awaitable<void> connection::requests() {
    while (!ended_) {
        if (session_.pending.full()) { // also while the answer to SaslHandshake decides what the client sends
            co_await answered_.async_wait(quiet);
            continue;
        }
        auto [failure, frame] = co_await kwire::async_read_frame(client_, session_.client_stream, quiet);
        if (failure == asio::error::eof) { // the client sends no more, and may still wait for responses
            broker_.shutdown(tcp::socket::shutdown_send, ignored_);
            co_return;
        }
        if (failure) co_return lost_client(failure);
        if (const auto done = session_.from_client(std::move(frame)); !done)
            co_return end("client: " + kwire::to_string(done.error()));

        auto& to_broker = session_.to_broker;
        if (!to_broker.empty()) {
            auto [not_written, size] = co_await asio::async_write(broker_, to_broker, quiet);
            if (not_written) co_return lost_broker(not_written);
            to_broker.clear();
        } else { // ApiVersions, answered by the proxy; then no response of the broker is under way
            auto [not_written, size] = co_await asio::async_write(client_, session_.to_client, quiet);
            if (not_written) co_return lost_client(not_written);
            session_.to_client.clear();
        }
    }
}

asio::awaitable<void> connection::responses() {
    auto& to_client = session_.to_client;
    while (!ended_) {
        auto [failure, frame] = co_await kwire::async_read_frame(broker_, session_.broker_stream, quiet);
        if (failure) co_return lost_broker(failure);
        if (const auto done = session_.from_broker(std::move(frame)); !done)
            co_return end("broker: " + kwire::to_string(done.error()));
        answered_.cancel();

        auto [not_written, size] = co_await asio::async_write(client_, to_client, quiet);
        if (not_written) co_return lost_client(not_written);
        to_client.clear();
    }
}

void connection::end(std::string_view why) {
    if (std::exchange(ended_, true)) return;
    if (!why.empty())
        std::fprintf(stderr, "%s: %.*s\n", peer_.c_str(), static_cast<int>(why.size()), why.data());
    client_.close(ignored_);
    broker_.close(ignored_);
    answered_.cancel();
}

/// Clients leave when they like, also while a response is on its way, but not inside a request.
void connection::lost_client(error_code failure) {
    if (const auto refusal = session_.client_stream.end_of_stream())
        return end("client: " + kwire::to_string(*refusal));
    const bool left = failure == asio::error::broken_pipe || failure == asio::error::connection_reset;
    end(left ? std::string() : "client: " + failure.message());
}

/// Brokers close idle connections, and those whose raw SASL token they refuse; not while they owe a response.
void connection::lost_broker(error_code failure) {
    if (const auto refusal = session_.broker_stream.end_of_stream())
        return end("broker: " + kwire::to_string(*refusal));
    if (failure != asio::error::eof) return end("broker: " + failure.message());
    const std::size_t owed = session_.pending.in_flight();
    end(owed == 0 ? std::string()
                  : "broker: closed the connection and owes " + std::to_string(owed) + " responses");
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
