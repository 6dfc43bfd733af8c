// A server for lines of text that copies none of them. docs/zero-copy.md explains it; read it in this order:
//
//     protocol.hpp     what is asked and answered; limits.hpp what one peer may cost
//     buffer_pool.hpp  memory that comes back by itself
//     line_reader.hpp  bytes in, lines out
//     session.hpp      a connection: read, answer, hand on, write
//     transport.hpp    the reads and writes, in epoll/ when a socket is ready, in io_uring/ by the kernel
//     downstream.hpp   the consumer of all lines
//     copying.hpp      the twin that copies, to compare with
//     server.hpp       accepts clients; connection.hpp ends those that are silent
#include <kwire/buffer/shared_buffer.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <utility>

#include "backend.hpp"
#include "buffer_pool.hpp"
#include "canned_file.hpp"
#include "copying.hpp"
#include "downstream.hpp"
#include "limits.hpp"
#include "options.hpp"
#include "server.hpp"
#include "session.hpp"
#include <sys/resource.h>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

double seconds(const ::timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
}

void print_totals(const line_server::statistics& seen, const line_server::traffic& all) {
    ::rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    std::printf("lines: %ju, their bytes: %ju, longest: %ju, bytes in: %ju, bytes out: %ju, "
                "bytes copied by kwire: %ju, seconds of CPU: %.2f user, %.2f system\n",
                std::uintmax_t{seen.lines}, std::uintmax_t{seen.bytes}, std::uintmax_t{seen.longest},
                std::uintmax_t{all.received}, std::uintmax_t{all.sent}, std::uintmax_t{kwire::copied_bytes()},
                seconds(used.ru_utime), seconds(used.ru_stime));
}

/// Serves until a signal comes. `Line` is what the consumer gets; `service_with` makes what connections
/// share.
template <class Line, class Serve, class ServiceWith>
void run(const line_server::options& chosen, Serve serve, ServiceWith service_with) {
    line_server::traffic all; // outlives the coroutines that the context destroys
    asio::io_context context(1);
    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&context](boost::system::error_code, int) { context.stop(); });

    line_server::downstream<Line> consumer(context.get_executor());
    asio::co_spawn(context, consumer.consume(), asio::detached);

    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), chosen.port});
    std::printf("listening on 127.0.0.1:%d\n", acceptor.local_endpoint().port());
    std::fflush(stdout);
    asio::co_spawn(context,
                   line_server::accept(std::move(acceptor), chosen.rules, serve, service_with(consumer), all),
                   asio::detached);
    context.run();
    context.restart();
    context.run_for(std::chrono::milliseconds(100)); // lines that were answered reach the consumer
    print_totals(consumer.seen(), all);
}

void run(const line_server::options& chosen, const line_server::canned_file& file) {
    if (chosen.copying) {
        run<std::string>(chosen, line_server::copying::serve,
                         [&](auto& consumer) { return line_server::copying::service{file, consumer}; });
    } else {
        line_server::buffer_pool pool(line_server::block_size, 64);
        run<kwire::shared_buffer>(chosen, line_server::serve,
                                  [&](auto& consumer) { return line_server::service{pool, file, consumer}; });
    }
}

} // namespace

int main(int count, char** arguments) {
    const auto chosen = line_server::read_options(count, arguments);
    if (!chosen) {
        std::fprintf(stderr, "line_server: %s\n\n%s", chosen.error().c_str(), line_server::usage);
        return 2;
    }
    if (chosen->help) {
        std::fputs(line_server::usage, stdout);
        return EXIT_SUCCESS;
    }
    if (chosen->backend != line_server::own_backend) {
        line_server::become_other_backend(arguments);
        std::fprintf(stderr,
                     "line_server: the program for %s is not here; io_uring needs liburing to be built\n",
                     chosen->backend.c_str());
        return EXIT_FAILURE;
    }
    try {
        line_server::canned_file file;
        if (!chosen->file.empty()) {
            auto opened = line_server::open_file(chosen->file);
            if (!opened) {
                std::fprintf(stderr, "line_server: %s: %s\n", chosen->file.c_str(),
                             opened.error().message().c_str());
                return EXIT_FAILURE;
            }
            file = *std::move(opened);
        }
        run(*chosen, file);
        return EXIT_SUCCESS;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "line_server: %s\n", e.what());
        return EXIT_FAILURE;
    }
}
