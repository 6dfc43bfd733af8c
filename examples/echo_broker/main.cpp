// An in-memory Kafka broker, made with kwire: enough for real clients to produce to it and to fetch from it.
//
//     main.cpp     options, signals, shutdown
//     session.hpp  one connection: frames in, responses out, deadlines
//     broker.hpp   requests and their responses; produce.cpp and fetch.cpp handle the records
//     log.hpp      topics and partitions: batches as slices of the buffers that the socket wrote to
#include <kwire/buffer/unique_buffer.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>

#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string_view>

#include "broker.hpp"
#include "session.hpp"

namespace {

struct options {
    std::uint16_t port = 0;
    std::int32_t partitions = 1;
};

constexpr const char* usage =
    "usage: echo_broker [--port N] [--partitions N]\n"
    "\n"
    "A Kafka broker on 127.0.0.1 that keeps everything in memory.\n"
    "\n"
    "  --port N        the port to listen on; 0, the default, chooses a free port\n"
    "  --partitions N  the number of partitions of each topic; default 1. Topics are\n"
    "                  created when a client asks for them\n"
    "  --help          prints this text\n"
    "\n"
    "Prints \"listening on 127.0.0.1:PORT\" when ready. SIGINT and SIGTERM stop it;\n"
    "then it prints totals.\n";

template <class T>
bool read_number(std::string_view text, T least, T most, T& out) {
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
    return failure == std::errc{} && end == text.data() + text.size() && out >= least && out <= most;
}

/// nullopt if the arguments are invalid.
std::optional<options> read_options(int count, char** arguments) {
    options out;
    for (int i = 1; i < count; ++i) {
        std::string_view name = arguments[i];
        std::string_view value;
        if (const auto equals = name.find('='); equals != name.npos) {
            value = name.substr(equals + 1);
            name = name.substr(0, equals);
        } else if (i + 1 < count && name != "--help") {
            value = arguments[++i];
        }
        if (name == "--help") {
            std::fputs(usage, stdout);
            std::exit(EXIT_SUCCESS);
        }
        const bool valid =
            (name == "--port" && read_number<std::uint16_t>(value, 0, 65535, out.port)) ||
            (name == "--partitions" && read_number<std::int32_t>(value, 1, 10'000, out.partitions));
        if (!valid) return std::nullopt;
    }
    return out;
}

int run(const options& chosen) {
    namespace asio = boost::asio;
    using asio::ip::tcp;
    echo_broker::broker broker(chosen.partitions); // outlives the coroutines that the context destroys
    asio::io_context context(1);

    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&context](boost::system::error_code, int) { context.stop(); });

    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), chosen.port});
    std::printf("listening on 127.0.0.1:%d\n", acceptor.local_endpoint().port());
    std::fflush(stdout);
    asio::co_spawn(context, echo_broker::accept(std::move(acceptor), broker), asio::detached);
    context.run();

    const echo_broker::totals& done = broker.done();
    std::printf(
        "requests: %ju, batches: %ju, bytes in: %ju, bytes out: %ju, payload bytes copied by kwire: %ju\n",
        std::uintmax_t{done.requests}, std::uintmax_t{done.batches}, std::uintmax_t{done.bytes_in},
        std::uintmax_t{done.bytes_out}, std::uintmax_t{kwire::copied_bytes()});
    return EXIT_SUCCESS;
}

} // namespace

int main(int count, char** arguments) {
    const auto chosen = read_options(count, arguments);
    if (!chosen) {
        std::fputs(usage, stderr);
        return 2;
    }
    try {
        return run(*chosen);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "echo_broker: %s\n", e.what());
        return EXIT_FAILURE;
    }
}
