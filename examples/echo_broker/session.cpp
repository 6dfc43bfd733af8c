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
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "broker.hpp"
#include "options.hpp"
#include "report.hpp"

namespace echo_broker {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;

namespace {

constexpr auto quiet = asio::as_tuple(asio::use_awaitable); // errors as values
constexpr std::chrono::seconds first_request_within = 10s;

using clock = std::chrono::steady_clock;

/// A socket, its frame reader, and what it is waiting for.
///
/// The deadlines are for progress, not for whole requests and answers: those may be as slow as a steady
/// connection makes them.
struct connection {
    connection(tcp::socket s, const options& chosen) : socket(std::move(s)), limits(chosen) {
        wait(step::first_request, std::min(first_request_within, limits.idle_after));
    }

    enum class step {
        first_request,
        next_request,
        rest_of_request,
        our_own_work,
        reading_of_answer
    };

    void wait(step what, std::chrono::seconds for_at_most) {
        waiting_for = what;
        patience = for_at_most;
        deadline = clock::now() + for_at_most;
    }
    void work() { // Fetch limits its waiting itself
        waiting_for = step::our_own_work;
        deadline = clock::time_point::max();
    }

    tcp::socket socket;
    const options& limits;
    kwire::request_reader reader;
    std::uint64_t requests = 0;          ///< read so far
    std::uint64_t answer = 0, taken = 0; ///< bytes: the size of the current answer, what the client has taken
    step waiting_for{};
    std::chrono::seconds patience{};
    clock::time_point deadline;
    std::string missed; ///< the deadline after which the connection was closed
};

std::string say_missed(const connection& client) {
    const std::string seconds = std::to_string(client.patience.count()) + " s";
    const auto part = [](std::uint64_t done, std::uint64_t all) {
        return std::to_string(done) + " of " + std::to_string(all) + " bytes";
    };
    using enum connection::step;
    switch (client.waiting_for) {
    case first_request: return "closed: no request within " + seconds;
    case next_request: return "closed: idle for " + seconds;
    case reading_of_answer:
        return "closed: it took " + part(client.taken, client.answer) + " of an answer, and none for " +
               seconds;
    default: break;
    }
    const auto cut = client.reader.end_of_stream();
    return "closed: it sent " + (cut ? part(cut->left, cut->needed) : "a part") + " of " +
           (cut && cut->needed > 4 ? "a request" : "a length") + ", and none for " + seconds;
}

/// Closes the socket after a deadline, which ends all operations on it.
asio::awaitable<void> watch(std::shared_ptr<connection> client) {
    asio::steady_timer tick(co_await asio::this_coro::executor);
    std::pair<std::uint64_t, std::uint64_t> seen{}; // requests, bytes of the next one
    while (client->socket.is_open()) {
        const auto unfinished = client->reader.end_of_stream();
        const std::pair arrived{client->requests, unfinished ? unfinished->left : 0};
        if (unfinished && arrived != seen)
            client->wait(connection::step::rest_of_request, client->limits.stall_after);
        seen = arrived;
        if (clock::now() > client->deadline) {
            client->missed = say_missed(*client);
            client->socket.close();
        }
        tick.expires_after(1s);
        co_await tick.async_wait(quiet);
    }
}

/// Serves one client. Returns why it stopped, or an empty text if the client closed the connection.
asio::awaitable<std::string> converse(connection& client, broker& broker) {
    const auto progress = [&client](const boost::system::error_code& failure, std::size_t taken) {
        constexpr std::size_t at_once = 65'536; // as asio::transfer_all
        client.taken = taken;
        client.wait(connection::step::reading_of_answer, client.limits.stall_after);
        return failure ? 0 : at_once;
    };
    for (;;) {
        auto [failure, frame] = co_await kwire::async_read_frame(client.socket, client.reader, quiet);
        if (failure) {
            const auto refusal = client.reader.end_of_stream();
            co_return refusal ? kwire::to_string(*refusal) : "";
        }
        ++client.requests;
        auto request = kwire::parse_request_frame(std::move(frame));
        if (!request) co_return kwire::to_string(request.error());

        client.work();
        reply answer = co_await broker.answer(*std::move(request), client.socket);
        if (!answer) co_return std::move(answer.error());

        client.answer = answer->size();
        auto [not_written, size] = co_await asio::async_write(client.socket, *answer, progress, quiet);
        if (not_written) co_return "";
        client.wait(connection::step::next_request, client.limits.idle_after);
    }
}

std::size_t connections = 0;

asio::awaitable<void> serve(std::shared_ptr<connection> client, broker& broker) {
    struct counted {
        counted() { ++connections; }
        ~counted() { --connections; }
    } const count;
    boost::system::error_code ignored;
    const tcp::endpoint peer = client->socket.remote_endpoint(ignored);
    client->socket.set_option(tcp::no_delay(true), ignored);
    client->socket.non_blocking(true, ignored);
    std::string why;
    try {
        why = co_await converse(*client, broker);
    } catch (const boost::system::system_error& e) { // its what() has a path of Boost's sources
        why = e.code().message();
    } catch (const std::exception& e) { // out of memory
        why = e.what();
    }
    if (!client->missed.empty()) why = client->missed;
    if (!why.empty()) report(peer, why);
    client->socket.close(ignored);
}

/// Counts the clients for whom there is no room, and says so once a second.
class turned_away {
public:
    void count(const options& chosen) {
        ++unreported_;
        const auto now = clock::now();
        if (now < next_) return;
        std::fprintf(stderr, "accept: %zu clients turned away: %zu are connected (--connections)\n",
                     unreported_, chosen.connections);
        unreported_ = 0;
        next_ = now + 1s;
    }

private:
    std::size_t unreported_ = 0;
    clock::time_point next_{};
};

} // namespace

asio::awaitable<void> accept(tcp::acceptor acceptor, broker& broker, const options& chosen) {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer pause(executor);
    turned_away others;
    for (;;) {
        auto [failure, socket] = co_await acceptor.async_accept(quiet);
        if (failure) { // most likely no file descriptor is left; retrying at once would spin
            std::fprintf(stderr, "accept: %s\n", failure.message().c_str());
            pause.expires_after(100ms);
            co_await pause.async_wait(quiet);
        } else if (connections >= chosen.connections) {
            others.count(chosen);
        } else {
            auto client = std::make_shared<connection>(std::move(socket), chosen);
            asio::co_spawn(executor, watch(client), asio::detached);
            asio::co_spawn(executor, serve(client, broker), asio::detached);
        }
    }
}

} // namespace echo_broker
