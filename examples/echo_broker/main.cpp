// A Kafka broker of one node, made with kwire, for real clients.
//
//     main.cpp       start, signals, shutdown; options.hpp the command line, report.hpp lines on stderr
//     network/       listeners and connections: kwire::async_serve, TLS, authentication
//     observe/       --verbose, --metrics, --dump
//     broker.hpp     all state, and the way of a request to its handler
//     service.hpp    what a handler looks like
//     services.cpp   which APIs are served; each folder lists its own
//     records/       Produce, Fetch, ListOffsets
//     log/           partitions: batches as slices of the buffers that the socket wrote to; which are
//     accepted topics/        topics and their partitions groups/        consumer groups and their offsets
//     transactions/  producers' ids and transactions
//     cluster/       what clients ask first: ApiVersions, FindCoordinator
//     embedded.hpp   the broker inside another program, for tests; embed.cpp is such a test
#include <kwire/buffer/unique_buffer.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "echo_broker/broker.hpp"
#include "echo_broker/log/heap.hpp"
#include "echo_broker/network/server.hpp"
#include "echo_broker/options.hpp"
#include <sys/resource.h>

namespace {

namespace asio = boost::asio;

/// The first signal lets the broker finish, the second one does not.
asio::awaitable<void> stop_on_signals(asio::signal_set& signals, asio::io_context& context,
                                      echo_broker::server& server) {
    co_await signals.async_wait(asio::use_awaitable);
    server.finish();
    co_await signals.async_wait(asio::use_awaitable);
    context.stop();
}

/// Each client takes a file descriptor, and many systems allow only 1024 unless a program asks for more.
void allow_many_files() {
    ::rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(const echo_broker::options& chosen) {
    allow_many_files();
    echo_broker::arrange_heap();
    echo_broker::broker broker(chosen); // outlives the coroutines that the context destroys
    echo_broker::server server(broker);
    asio::io_context context(1);
    asio::signal_set signals(context, SIGINT, SIGTERM); // before anything is printed: the reader may send one
    asio::co_spawn(context, stop_on_signals(signals, context, server), asio::detached);
    server.start(context);
    for (const echo_broker::address& at : server.addresses())
        std::printf("listening on %s\n", to_string(at).c_str());
    if (const auto port = server.metrics_port()) std::printf("metrics on http://127.0.0.1:%d/\n", *port);
    std::fflush(stdout);
    context.run();

    const echo_broker::totals& done = broker.done;
    std::printf("requests: %ju, reads: %ju, writes: %ju, batches: %ju, bytes in: %ju, bytes out: %ju, "
                "copied to free frames: %ju, payload bytes copied by kwire: %ju\n",
                std::uintmax_t{done.requests}, std::uintmax_t{done.reads}, std::uintmax_t{done.writes},
                std::uintmax_t{done.batches}, std::uintmax_t{done.bytes_in}, std::uintmax_t{done.bytes_out},
                std::uintmax_t{done.copied_to_free}, std::uintmax_t{kwire::copied_bytes()});
    if (std::fflush(stdout) == 0) return EXIT_SUCCESS;
    std::perror("echo_broker: standard output");
    return EXIT_FAILURE;
}

} // namespace

int main(int count, char** arguments) {
    const auto chosen = echo_broker::read_options(count, arguments);
    if (!chosen) {
        std::fprintf(stderr, "echo_broker: %s\n\n%s", chosen.error().c_str(), echo_broker::usage);
        return 2;
    }
    if (chosen->help) {
        std::fputs(echo_broker::usage, stdout);
        return EXIT_SUCCESS;
    }
    try {
        return run(*chosen);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "echo_broker: %s\n", e.what());
        return EXIT_FAILURE;
    }
}
