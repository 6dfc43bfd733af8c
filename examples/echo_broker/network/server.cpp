#include "echo_broker/network/server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

#include "echo_broker/broker.hpp"
#include "echo_broker/network/session.hpp"
#include "echo_broker/observe/metrics_page.hpp"
#include "echo_broker/report.hpp"
#include <sys/resource.h>

namespace echo_broker {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;

namespace {

constexpr auto longest_finish = 3s;

/// Listens on an address; `option` is part of the message of what it throws.
tcp::acceptor listen(asio::io_context& context, const address& at, const std::string& option = {}) {
    boost::system::error_code failure;
    tcp::acceptor acceptor(context);
    tcp::endpoint place(asio::ip::make_address(at.host, failure), at.port);
    if (failure) {
        tcp::resolver resolver(context);
        const auto found =
            resolver.resolve(at.host, std::to_string(at.port), tcp::resolver::passive, failure);
        if (!failure) place = found.begin()->endpoint();
    }
    if (!failure) acceptor.open(place.protocol(), failure);
    if (!failure) acceptor.set_option(tcp::acceptor::reuse_address(true), failure);
    if (!failure) acceptor.bind(place, failure);
    if (!failure) acceptor.listen(tcp::acceptor::max_listen_connections, failure);
    if (failure)
        throw std::runtime_error(option + "cannot listen on " + to_string(at) + ": " + failure.message());
    return acceptor;
}

/// How many clients may be connected: not so many that no descriptors are left for the files of the log,
/// since a broker that cannot write them stops.
std::size_t most_clients(const options& chosen) {
    constexpr std::size_t for_files = 1024;
    ::rlimit limit{};
    if (chosen.data_dir.empty() || ::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return chosen.connections;
    const std::size_t all = limit.rlim_cur;
    return std::min(chosen.connections, all - std::min(for_files, all / 2));
}

/// A member of a set while this object exists.
template <class T>
class registered {
public:
    registered(std::set<T*>& all, T& one) : all_(all), one_(&one) { all.insert(&one); }
    registered(const registered&) = delete;
    registered& operator=(const registered&) = delete;
    ~registered() { all_.erase(one_); }

private:
    std::set<T*>& all_;
    T* one_;
};

/// Counts the clients for whom there is no room, and says so once a second.
class turned_away {
public:
    void count(std::size_t most) {
        ++unreported_;
        const auto now = std::chrono::steady_clock::now();
        if (now < next_) return;
        std::fprintf(stderr, "accept: %zu clients turned away: %zu are connected (--connections)\n",
                     unreported_, most);
        unreported_ = 0;
        next_ = now + 1s;
    }

private:
    std::size_t unreported_ = 0;
    std::chrono::steady_clock::time_point next_{};
};

} // namespace

server::server(broker& here) : here_(here) {
    if (here.chosen.tls) tls_ = std::make_unique<tls_server>(*here.chosen.tls);
}

server::~server() = default;

void server::start(asio::io_context& context) {
    context_ = &context;
    here_.storage.sync_on(context.get_executor());
    std::vector<listener> wanted = here_.chosen.listeners;
    if (wanted.empty()) wanted.emplace_back();
    std::vector<tcp::acceptor> acceptors; // all of them are there before the first client is served
    for (listener& one : wanted) {
        acceptors.push_back(listen(context, one.at));
        const std::uint16_t port = acceptors.back().local_endpoint().port();
        one.at.port = port;
        if (one.advertised && one.advertised->port == 0) one.advertised->port = port;
        places_.push_back({.bound = std::move(one.at), .advertised = std::move(one.advertised)});
    }
    if (here_.chosen.metrics_port) {
        tcp::acceptor page =
            listen(context, {.host = "127.0.0.1", .port = *here_.chosen.metrics_port}, "--metrics: ");
        metrics_port_ = page.local_endpoint().port();
        asio::co_spawn(context, serve_metrics(std::move(page), here_), asio::detached);
    }
    asio::co_spawn(context, here_.timers.run(), asio::detached);
    auto at = places_.begin();
    for (tcp::acceptor& one : acceptors)
        asio::co_spawn(context, accept(std::move(one), *at++), asio::detached);
}

std::vector<address> server::addresses() const {
    std::vector<address> out;
    for (const place& one : places_) out.push_back(one.bound);
    return out;
}

void server::finish() {
    here_.stopping = true;
    boost::system::error_code ignored;
    for (tcp::acceptor* const one : acceptors_) one->close(ignored);
    // To a connection this is as if its client sent no more: it answers what it has read, and ends.
    for (tcp::socket* const one : sockets_) one->shutdown(tcp::socket::shutdown_receive, ignored);
    if (sockets_.empty()) return context_->stop();
    here_.timers.after(longest_finish, [this] { context_->stop(); });
}

asio::awaitable<void> server::accept(tcp::acceptor acceptor, const place& at) {
    const registered here(acceptors_, acceptor);
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer pause(executor);
    turned_away others;
    const std::size_t most = most_clients(here_.chosen);
    while (!here_.stopping) {
        auto [failure, socket] = co_await acceptor.async_accept(detail::quiet);
        if (here_.stopping) co_return;
        if (failure) { // most likely no file descriptor is left; retrying at once would spin
            std::fprintf(stderr, "accept: %s\n", failure.message().c_str());
            pause.expires_after(100ms);
            co_await pause.async_wait(detail::quiet);
        } else if (here_.connections >= most) {
            others.count(most);
        } else {
            try {
                asio::co_spawn(executor, serve(std::move(socket), at), report_end_of_coroutine);
            } catch (const std::exception& e) { // no memory for this client
                report_failure("accept", e);
            }
        }
    }
}

asio::awaitable<void> server::serve(tcp::socket socket, const place& at) {
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    client from{.executor = socket.get_executor(),
                .address = socket.remote_endpoint(ignored),
                .reached = socket.local_endpoint(ignored),
                .advertised = at.advertised ? &*at.advertised : nullptr,
                .connection = next_connection_++};
    struct counted {
        broker& here;
        std::uint64_t number;
        counted(broker& of, const client& from) : here(of), number(from.connection) {
            ++here.connections;
            if (here.dump) here.dump->connected(number, from.address, from.reached);
        }
        counted(const counted&) = delete;
        counted& operator=(const counted&) = delete;
        ~counted() {
            --here.connections;
            if (here.dump) here.dump->disconnected(number);
        }
    };
    {
        const registered here(sockets_, socket);
        const counted count(here_, from);
        if (tls_)
            co_await tls_->serve(socket, here_, from);
        else
            co_await serve_session(socket, socket, here_, from);
    }
    if (here_.stopping && sockets_.empty()) context_->stop();
}

} // namespace echo_broker
