#include "session.hpp"

#include <kwire/asio.hpp>
#include <kwire/error_text.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "broker.hpp"

namespace echo_broker {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;

namespace {

constexpr auto quiet = asio::as_tuple(asio::use_awaitable); // errors as values

constexpr auto first_request_within = 10s;
constexpr auto next_request_within = 600s; // as Kafka's connections.max.idle.ms
constexpr auto whole_frame_within = 60s;   // from its first byte on
constexpr auto answer_within = 30s;        // for the client to receive it
constexpr std::size_t most_connections = 10'000;

using clock = std::chrono::steady_clock;

/// A socket, its frame reader, and the deadline of the current step.
struct connection {
    explicit connection(tcp::socket s) : socket(std::move(s)) {}

    void expect(clock::duration within) { deadline = clock::now() + within; }
    void no_deadline() { deadline = clock::time_point::max(); }

    tcp::socket socket;
    kwire::request_reader reader;
    clock::time_point deadline = clock::now() + first_request_within;
};

std::size_t connections = 0;

void log(const tcp::endpoint& peer, std::string_view why) {
    std::fprintf(stderr, "%s:%d: %.*s\n", peer.address().to_string().c_str(), peer.port(),
                 static_cast<int>(why.size()), why.data());
}

/// Closes the socket after a deadline, which ends all operations on it.
asio::awaitable<void> watch(std::shared_ptr<connection> client) {
    asio::steady_timer tick(co_await asio::this_coro::executor);
    clock::time_point frame_began = clock::now();
    while (client->socket.is_open()) {
        const auto now = clock::now();
        const bool inside_a_frame = client->reader.end_of_stream().has_value();
        if (!inside_a_frame) frame_began = now;
        if (now > client->deadline || now - frame_began > whole_frame_within) client->socket.close();
        tick.expires_after(1s);
        co_await tick.async_wait(quiet);
    }
}

/// Serves one client. Returns why it stopped, or an empty text if the client closed the connection.
asio::awaitable<std::string> converse(connection& client, broker& broker) {
    const tcp::endpoint here = client.socket.local_endpoint();
    for (;;) {
        auto [failure, frame] = co_await kwire::async_read_frame(client.socket, client.reader, quiet);
        if (failure) {
            const auto refusal = client.reader.end_of_stream();
            co_return refusal ? kwire::to_string(*refusal) : "";
        }
        auto request = kwire::parse_request_frame(std::move(frame));
        if (!request) co_return kwire::to_string(request.error());

        client.no_deadline(); // Fetch has its own
        reply answer = co_await broker.answer(*std::move(request), here);
        if (!answer) co_return std::move(answer.error());

        client.expect(answer_within);
        auto [not_written, size] = co_await asio::async_write(client.socket, *answer, quiet);
        if (not_written) co_return "";
        client.expect(next_request_within);
    }
}

asio::awaitable<void> serve(std::shared_ptr<connection> client, broker& broker) {
    struct counted {
        counted() { ++connections; }
        ~counted() { --connections; }
    } const count;
    boost::system::error_code ignored;
    const tcp::endpoint peer = client->socket.remote_endpoint(ignored);
    client->socket.set_option(tcp::no_delay(true), ignored);
    std::string why;
    try {
        why = co_await converse(*client, broker);
    } catch (const std::exception& e) { // out of memory, or a peer that left before its address was read
        why = e.what();
    }
    if (!why.empty()) log(peer, why);
    client->socket.close(ignored);
}

} // namespace

asio::awaitable<void> accept(tcp::acceptor acceptor, broker& broker) {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer pause(executor);
    for (;;) {
        auto [failure, socket] = co_await acceptor.async_accept(quiet);
        if (!failure && connections < most_connections) {
            auto client = std::make_shared<connection>(std::move(socket));
            asio::co_spawn(executor, watch(client), asio::detached);
            asio::co_spawn(executor, serve(client, broker), asio::detached);
        } else if (failure) { // most likely no file descriptor is left; retrying at once would spin
            std::fprintf(stderr, "accept: %s\n", failure.message().c_str());
            pause.expires_after(100ms);
            co_await pause.async_wait(quiet);
        }
    }
}

} // namespace echo_broker
