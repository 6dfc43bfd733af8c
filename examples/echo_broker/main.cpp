// An in-memory Kafka broker, made with kwire: enough for real clients to produce to it and to fetch from it.
//
//     main.cpp       start, signals, shutdown; options.hpp the command line, report.hpp lines on stderr
//     session.hpp    one connection: frames in, responses out, deadlines
//     broker.hpp     requests and their responses; produce.cpp, fetch.cpp and list_offsets.cpp handle the
//     records check.hpp      which batches a leader takes; producers.hpp which of them it has already
//     topics.hpp     topics and their partitions
//     log.hpp        a partition: batches as slices of the buffers that the socket wrote to
#include <kwire/buffer/unique_buffer.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "broker.hpp"
#include "options.hpp"
#include "session.hpp"

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

/// Listens on the loopback interface; on failure `failure` says why.
tcp::acceptor listen(asio::io_context& context, std::uint16_t port, boost::system::error_code& failure) {
    const tcp::endpoint address(asio::ip::address_v4::loopback(), port);
    tcp::acceptor acceptor(context);
    acceptor.open(address.protocol(), failure);
    if (!failure) acceptor.set_option(tcp::acceptor::reuse_address(true), failure);
    if (!failure) acceptor.bind(address, failure);
    if (!failure) acceptor.listen(tcp::acceptor::max_listen_connections, failure);
    return acceptor;
}

int run(const echo_broker::options& chosen) {
    // The broker outlives the coroutines that the context destroys.
    echo_broker::broker broker(chosen.partitions, chosen.memory_mib << 20);
    asio::io_context context(1);

    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&context](boost::system::error_code, int) { context.stop(); });

    boost::system::error_code failure;
    tcp::acceptor acceptor = listen(context, chosen.port, failure);
    if (failure) {
        std::fprintf(stderr, "echo_broker: cannot listen on 127.0.0.1:%d: %s\n", chosen.port,
                     failure.message().c_str());
        return EXIT_FAILURE;
    }
    std::printf("listening on 127.0.0.1:%d\n", acceptor.local_endpoint().port());
    std::fflush(stdout);
    asio::co_spawn(context, echo_broker::accept(std::move(acceptor), broker, chosen), asio::detached);
    context.run();

    const echo_broker::totals& done = broker.done();
    std::printf("requests: %ju, batches: %ju, bytes in: %ju, bytes out: %ju, "
                "copied to free frames: %ju, payload bytes copied by kwire: %ju\n",
                std::uintmax_t{done.requests}, std::uintmax_t{done.batches}, std::uintmax_t{done.bytes_in},
                std::uintmax_t{done.bytes_out}, std::uintmax_t{done.copied_to_free},
                std::uintmax_t{kwire::copied_bytes()});
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
