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

constexpr std::size_t most_at_once = std::size_t{1} << 20; // bytes for one call of the kernel

/// A client and its broker. One coroutine reads requests, another one responses. Each writes the frames that
/// it has before it reads more, so a slow receiver stops its sender; a third one ends the connection when a
/// receiver takes nothing at all.
class connection {
public:
    connection(tcp::socket accepted, clock::duration patience, surroundings& in)
        : client_(std::move(accepted)),
          broker_(client_.get_executor()),
          progress_(client_.get_executor(), clock::time_point::max()),
          patience_(patience),
          session_(own_, in) {
        const tcp::endpoint here = client_.local_endpoint(ignored_),
                            there = client_.remote_endpoint(ignored_);
        own_ = here.address().to_string();
        peer_ = there.address().to_string() + ":" + std::to_string(there.port());
        client_.set_option(tcp::no_delay(true), ignored_);
    }

    /// Connects to the broker; false if that failed and the connection has ended.
    asio::awaitable<bool> connect(const address& to);
    asio::awaitable<void> requests();
    asio::awaitable<void> responses();
    asio::awaitable<void> watch();

    /// Closes both sides, and says why unless `why` is empty. Only the first call counts.
    void end(std::string_view why);

private:
    asio::awaitable<error_code> write(tcp::socket& to, kwire::buffer_chain& waiting,
                                      clock::time_point& deadline);
    void lost_client(error_code failure);
    void lost_broker(error_code failure);

    std::string own_; ///< where this client reached the proxy
    std::string peer_;
    tcp::socket client_, broker_;
    clock::time_point client_deadline_ = clock::time_point::max(); ///< to take the next bytes
    clock::time_point broker_deadline_ = clock::time_point::max();
    asio::steady_timer progress_; ///< never expires; cancelled when the client may get or send the next frame
    clock::duration patience_;
    session session_;
    error_code ignored_;
    bool ended_ = false;
};

asio::awaitable<bool> connection::connect(const address& to) {
    broker_deadline_ = clock::now() + patience_;
    tcp::resolver resolver(client_.get_executor());
    auto [not_found, endpoints] = co_await resolver.async_resolve(to.host, std::to_string(to.port), quiet);
    auto failure = not_found;
    if (!failure) {
        auto [refused, endpoint] = co_await asio::async_connect(broker_, endpoints, quiet);
        failure = refused;
    }
    if (failure) {
        end(to.host + ":" + std::to_string(to.port) + ": " + failure.message());
        co_return false;
    }
    broker_.set_option(tcp::no_delay(true), ignored_);
    broker_deadline_ = clock::time_point::max();
    co_return !ended_;
}

asio::awaitable<void> connection::requests() {
    while (!ended_) {
        if (session_.pending.full()) { // also while the answer to SaslHandshake decides what the client sends
            co_await progress_.async_wait(quiet);
            continue;
        }
        auto [failure] = co_await kwire::async_fill(client_, session_.client_stream, quiet);
        if (failure == asio::error::eof) { // the client sends no more, and may still wait for responses
            broker_.shutdown(tcp::socket::shutdown_send, ignored_);
            co_return;
        }
        if (failure) co_return lost_client(failure);
        bool answered = false; // by the proxy: a version of ApiVersions that it does not know
        while (!session_.pending.full() && !answered) {
            auto frame = session_.client_stream.next();
            if (!frame) co_return end("client: " + kwire::to_string(frame.error()));
            if (!*frame) break;
            const bool idle = session_.to_client.empty();
            if (const auto done = session_.from_client(**std::move(frame)); !done)
                co_return end("client: " + done.error());
            answered = idle && !session_.to_client.empty();
        }
        if (!session_.to_broker.empty())
            if (const auto failed = co_await write(broker_, session_.to_broker, broker_deadline_))
                co_return lost_broker(failed);
        if (answered) {
            if (const auto failed = co_await write(client_, session_.to_client, client_deadline_))
                co_return lost_client(failed);
            progress_.cancel();
        }
    }
}

asio::awaitable<void> connection::responses() {
    while (!ended_) {
        auto [failure] = co_await kwire::async_fill(broker_, session_.broker_stream, quiet);
        if (failure) co_return lost_broker(failure);
        while (!session_.to_client.empty() && !ended_) // an answer of the proxy's own is being written
            co_await progress_.async_wait(quiet);
        while (session_.to_client.size() < most_at_once) {
            auto frame = session_.broker_stream.next();
            if (!frame) co_return end("broker: " + kwire::to_string(frame.error()));
            if (!*frame) break;
            if (const auto done = session_.from_broker(**std::move(frame)); !done)
                co_return end("broker: " + done.error());
        }
        progress_.cancel();
        if (const auto failed = co_await write(client_, session_.to_client, client_deadline_))
            co_return lost_client(failed);
    }
}

/// Writes all of `waiting` and empties it.
asio::awaitable<error_code> connection::write(tcp::socket& to, kwire::buffer_chain& waiting,
                                              clock::time_point& deadline) {
    const auto after_each_part = [this, &deadline](const error_code& failure, std::size_t) {
        deadline = clock::now() + patience_;
        return failure ? 0 : most_at_once;
    };
    auto [failure, size] = co_await asio::async_write(to, waiting, after_each_part, quiet);
    deadline = clock::time_point::max();
    waiting.clear();
    co_return failure;
}

/// A receiver that has stopped for good would keep both sockets for ever. There is no deadline for senders:
/// brokers and clients have their own.
asio::awaitable<void> connection::watch() {
    asio::steady_timer tick(client_.get_executor());
    while (!ended_) {
        const auto now = clock::now();
        if (now > client_deadline_) end("client: takes no bytes");
        if (now > broker_deadline_) end("broker: takes no bytes");
        tick.expires_after(std::chrono::seconds(1));
        co_await tick.async_wait(quiet);
    }
}

void connection::end(std::string_view why) {
    if (std::exchange(ended_, true)) return;
    if (!why.empty())
        std::fprintf(stderr, "%s: %.*s\n", peer_.c_str(), static_cast<int>(why.size()), why.data());
    client_.close(ignored_);
    broker_.close(ignored_);
    progress_.cancel();
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

/// What is called when a coroutine of a connection has ended, and keeps it alive until then.
struct keeper {
    std::shared_ptr<connection> one;

    void operator()(std::exception_ptr failure) const {
        try {
            if (failure) std::rethrow_exception(failure);
        } catch (const std::exception& e) { // such as std::bad_alloc
            one->end(e.what());
        }
    }
};

asio::awaitable<void> serve(std::shared_ptr<connection> one, address broker) {
    const auto executor = co_await asio::this_coro::executor;
    asio::co_spawn(executor, one->watch(), keeper{one});
    if (!co_await one->connect(broker)) co_return;
    asio::co_spawn(executor, one->requests(), keeper{one});
    asio::co_spawn(executor, one->responses(), keeper{one});
}

} // namespace

asio::awaitable<void> accept(tcp::acceptor acceptor, std::shared_ptr<const address> upstream,
                             surroundings& in, clock::duration patience) {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer pause(executor);
    for (;;) {
        auto [failure, socket] = co_await acceptor.async_accept(quiet);
        if (!failure) {
            ++in.all.connections;
            auto one = std::make_shared<connection>(std::move(socket), patience, in);
            asio::co_spawn(executor, serve(one, *upstream), keeper{one});
        } else { // most likely no file descriptor is left; retrying at once would spin
            std::fprintf(stderr, "accept: %s\n", failure.message().c_str());
            pause.expires_after(std::chrono::milliseconds(100));
            co_await pause.async_wait(quiet);
        }
    }
}

} // namespace proxy
