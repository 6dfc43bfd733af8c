#include "connection.hpp"

#include <kwire/asio.hpp>
#include <kwire/connect/metrics.hpp>
#include <kwire/error_text.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
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
#include <tuple>
#include <utility>

#include "byte_stream.hpp"

namespace proxy {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto quiet = asio::as_tuple(asio::use_awaitable); // errors as values

constexpr std::size_t most_at_once = std::size_t{1} << 20; // bytes for one call of the kernel

std::string text_of(const tcp::endpoint& one) {
    return one.address().to_string() + ":" + std::to_string(one.port());
}

/// A client and its broker. One coroutine reads requests, another one responses. Each writes the frames that
/// it has before it reads more, so a slow receiver stops its sender; a third one ends the connection when a
/// receiver takes nothing at all.
class connection {
public:
    connection(tcp::socket accepted, const transport& how, surroundings& in)
        : client_(std::move(accepted)),
          broker_(tcp::socket(client_.get_executor())),
          progress_(client_.get_executor(), clock::time_point::max()),
          how_(how),
          in_(in),
          session_(own_, in) {
        ++in_.all.open;
        own_ = how_.host;
        if (own_.empty()) own_ = client_.socket().local_endpoint(ignored_).address().to_string();
        peer_ = text_of(client_.socket().remote_endpoint(ignored_));
        client_.socket().set_option(tcp::no_delay(true), ignored_);
    }
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    ~connection() { --in_.all.open; }

    /// Waits for the client's part of a TLS handshake, if there is one; false if that failed and the
    /// connection has ended.
    asio::awaitable<bool> greet();

    /// Connects to the broker; false if that failed and the connection has ended.
    asio::awaitable<bool> connect(const addresses& to);
    asio::awaitable<void> requests();
    asio::awaitable<void> responses();
    asio::awaitable<void> watch();

    /// Closes both sides, and says why unless `why` is empty. Only the first call counts.
    void end(std::string_view why);

private:
    asio::awaitable<bool> greet_broker(const std::string& host);
    asio::awaitable<error_code> write(byte_stream& to, kwire::buffer_chain& waiting,
                                      clock::time_point& deadline);
    void tell_of_broker();
    void progressed(const kwire::frame_reader& reader, kwire::traffic_event& told);
    void refused(const char* who, const kwire::error& why);
    void lost_client(error_code failure);
    void lost_broker(error_code failure);

    std::string own_; ///< where this client reached the proxy
    std::string peer_;
    byte_stream client_, broker_;
    clock::time_point client_deadline_ = clock::time_point::max(); ///< to take the next bytes
    clock::time_point broker_deadline_ = clock::time_point::max();
    asio::steady_timer progress_; ///< never expires; cancelled when the client may get or send the next frame
    transport how_;
    surroundings& in_;
    session session_;
    kwire::traffic_event told_[2]; ///< what both readers have told
    error_code ignored_;
    bool client_sends_ = true; ///< until it has closed its side
    bool ended_ = false;
};

asio::awaitable<bool> connection::connect(const addresses& to) {
    std::string why;
    for (const address& one : to) {
        broker_deadline_ = clock::now() + how_.patience;
        tcp::resolver resolver(client_.get_executor());
        auto [failure, endpoints] =
            co_await resolver.async_resolve(one.host, std::to_string(one.port), quiet);
        if (!failure)
            std::tie(failure, std::ignore) = co_await asio::async_connect(broker_.socket(), endpoints, quiet);
        if (ended_) co_return false;
        if (!failure) {
            broker_.socket().set_option(tcp::no_delay(true), ignored_);
            tell_of_broker();
            if (how_.to_brokers != nullptr && !co_await greet_broker(one.host)) co_return false;
            broker_deadline_ = clock::time_point::max();
            co_return true;
        }
        if (!why.empty()) why += "; ";
        why += one.host + ":" + std::to_string(one.port) + ": " + failure.message();
    }
    end(why);
    co_return false;
}

/// The TLS handshake with a broker, whose certificate must be one for `host`.
asio::awaitable<bool> connection::greet_broker(const std::string& host) {
    byte_stream::tls_stream& tls = broker_.secure(*how_.to_brokers);
    error_code failure;
    asio::ip::make_address(host, failure);
    if (failure) SSL_set_tlsext_host_name(tls.native_handle(), host.c_str()); // only names may be in there
    tls.set_verify_callback(asio::ssl::host_name_verification(host), ignored_);
    std::tie(failure) = co_await tls.async_handshake(asio::ssl::stream_base::client, quiet);
    if (ended_) co_return false;
    if (failure) end("broker: TLS handshake with " + host + ": " + failure.message());
    co_return !failure;
}

asio::awaitable<bool> connection::greet() {
    if (how_.to_clients == nullptr) co_return true;
    client_deadline_ = clock::now() + how_.patience;
    auto [failure] =
        co_await client_.secure(*how_.to_clients).async_handshake(asio::ssl::stream_base::server, quiet);
    client_deadline_ = clock::time_point::max();
    if (ended_) co_return false;
    const bool left = failure == asio::error::eof || failure == asio::error::connection_reset ||
                      failure == asio::ssl::error::stream_truncated;
    if (failure) end(left ? std::string() : "client: TLS handshake: " + failure.message());
    co_return !failure;
}

/// A line of --verbose.
void connection::tell_of_broker() {
    if (!in_.verbose) return;
    const tcp::endpoint here = broker_.socket().local_endpoint(ignored_);
    const tcp::endpoint there = broker_.socket().remote_endpoint(ignored_);
    std::fprintf(stderr, "%s: connected from %s to %s\n", peer_.c_str(), text_of(here).c_str(),
                 text_of(there).c_str());
}

asio::awaitable<void> connection::requests() {
    while (!ended_) {
        if (session_.pending.full()) { // also while the answer to SaslHandshake decides what the client sends
            co_await progress_.async_wait(quiet);
            continue;
        }
        auto [failure] = co_await kwire::async_fill(client_, session_.client_stream, quiet);
        if (failure == asio::error::eof) { // the client sends no more, and may still wait for responses
            client_sends_ = false;
            if (!broker_.is_secure())
                broker_.socket().shutdown(tcp::socket::shutdown_send, ignored_);
            else if (session_.pending.in_flight() == 0) // over TLS a goodbye would be one for both directions
                end({});
            co_return;
        }
        if (failure) co_return lost_client(failure);
        bool answered = false; // by the proxy: a version of ApiVersions that it does not know
        while (!session_.pending.full() && !answered) {
            auto frame = session_.client_stream.next();
            if (!frame) co_return refused("client: ", frame.error());
            if (!*frame) break;
            const bool idle = session_.to_client.empty();
            if (const auto done = session_.from_client(**std::move(frame)); !done)
                co_return end("client: " + done.error());
            answered = idle && !session_.to_client.empty();
        }
        progressed(session_.client_stream, told_[0]);
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
            if (!frame) co_return refused("broker: ", frame.error());
            if (!*frame) break;
            if (const auto done = session_.from_broker(**std::move(frame)); !done)
                co_return end("broker: " + done.error());
        }
        progressed(session_.broker_stream, told_[1]);
        progress_.cancel();
        if (const auto failed = co_await write(client_, session_.to_client, client_deadline_))
            co_return lost_client(failed);
        if (!client_sends_ && broker_.is_secure() && session_.pending.in_flight() == 0) co_return end({});
    }
}

/// Counts what a reader has read since the last time.
void connection::progressed(const kwire::frame_reader& reader, kwire::traffic_event& told) {
    if (in_.counted == nullptr) return;
    const kwire::traffic_event now{.reads = reader.reads(),
                                   .read_bytes = reader.bytes(),
                                   .frames = reader.frames(),
                                   .moved_bytes = reader.moved_bytes(),
                                   .allocations = reader.allocations()};
    in_.counted->progressed({.reads = now.reads - told.reads,
                             .read_bytes = now.read_bytes - told.read_bytes,
                             .frames = now.frames - told.frames,
                             .moved_bytes = now.moved_bytes - told.moved_bytes,
                             .allocations = now.allocations - told.allocations});
    told = now;
}

/// Ends the connection since the bytes of one side cannot be used.
void connection::refused(const char* who, const kwire::error& why) {
    if (in_.counted != nullptr) in_.counted->refused(why.code);
    end(who + kwire::to_string(why));
}

/// Writes all of `waiting` and empties it.
asio::awaitable<error_code> connection::write(byte_stream& to, kwire::buffer_chain& waiting,
                                              clock::time_point& deadline) {
    const auto after_each_part = [this, &deadline](const error_code& failure, std::size_t) {
        deadline = clock::now() + how_.patience;
        return failure ? 0 : most_at_once;
    };
    auto [failure, size] = co_await asio::async_write(to, waiting, after_each_part, quiet);
    deadline = clock::time_point::max();
    waiting.clear();
    if (in_.counted != nullptr) in_.counted->progressed({.writes = 1, .written_bytes = size});
    co_return failure;
}

/// A receiver that has stopped for good would keep both sockets for ever. There is no deadline for senders:
/// brokers and clients have their own.
asio::awaitable<void> connection::watch() {
    asio::steady_timer tick(client_.get_executor());
    while (!ended_) {
        const auto now = clock::now();
        const bool late = now > client_deadline_ || now > broker_deadline_;
        if (late && !ended_ && in_.counted != nullptr) in_.counted->timed_out(kwire::deadline::write);
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
    client_.socket().close(ignored_);
    broker_.socket().close(ignored_);
    progress_.cancel();
}

/// Clients leave when they like, also while a response is on its way, but not inside a request.
void connection::lost_client(error_code failure) {
    if (const auto refusal = session_.client_stream.end_of_stream()) return refused("client: ", *refusal);
    const bool left = failure == asio::error::broken_pipe || failure == asio::error::connection_reset;
    end(left ? std::string() : "client: " + failure.message());
}

/// Brokers close idle connections, and those whose raw SASL token they refuse; not while they owe a response.
void connection::lost_broker(error_code failure) {
    if (const auto refusal = session_.broker_stream.end_of_stream()) return refused("broker: ", *refusal);
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

asio::awaitable<void> serve(std::shared_ptr<connection> one, addresses broker) {
    const auto executor = co_await asio::this_coro::executor;
    asio::co_spawn(executor, one->watch(), keeper{one});
    if (!co_await one->greet() || !co_await one->connect(broker)) co_return;
    asio::co_spawn(executor, one->requests(), keeper{one});
    asio::co_spawn(executor, one->responses(), keeper{one});
}

} // namespace

asio::awaitable<void> accept(tcp::acceptor acceptor, std::shared_ptr<const addresses> upstream,
                             surroundings& in, transport how) {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer pause(executor);
    for (;;) {
        auto [failure, socket] = co_await acceptor.async_accept(quiet);
        if (!failure) {
            ++in.all.connections;
            try {
                auto one = std::make_shared<connection>(std::move(socket), how, in);
                asio::co_spawn(executor, serve(one, *upstream), keeper{one});
            } catch (const std::exception& e) { // such as std::bad_alloc: this client goes, the port stays
                std::fprintf(stderr, "accept: %s\n", e.what());
            }
        } else { // most likely no file descriptor is left; retrying at once would spin
            std::fprintf(stderr, "accept: %s\n", failure.message().c_str());
            pause.expires_after(std::chrono::milliseconds(100));
            co_await pause.async_wait(quiet);
        }
    }
}

} // namespace proxy
