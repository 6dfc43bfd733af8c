// A proxy between Kafka clients and a broker, made with kwire: the session of docs/proxy.md over sockets.
//
//     main.cpp        options, signals, summary
//     connection.hpp  a client's socket and a broker's: read a frame, handle it, write it
//     session.hpp     what becomes of each frame; knows nothing of sockets
//     addresses.hpp   where responses name brokers
#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/connect/frame.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "connection.hpp"

namespace {

struct options {
    std::uint16_t listen = 0;
    proxy::upstream upstream;
};

constexpr const char* usage =
    "usage: proxy --upstream HOST:PORT [--listen PORT]\n"
    "\n"
    "A proxy on 127.0.0.1 between Kafka clients and one broker. Clients find every broker\n"
    "at the proxy's own address, and the versions that both the broker and kwire know.\n"
    "All else, SASL included, passes unchanged.\n"
    "\n"
    "  --upstream HOST:PORT  the broker; also [IPV6]:PORT\n"
    "  --listen PORT         the port to listen on; 0, the default, chooses a free port\n"
    "  --patience SECONDS    until a client or broker that takes no bytes is disconnected;\n"
    "                        default 60\n"
    "  --help                prints this text\n"
    "\n"
    "Prints \"listening on 127.0.0.1:PORT\" when ready. SIGINT and SIGTERM stop it;\n"
    "then it prints totals.\n";

bool read_number(std::string_view text, std::uint16_t& out) {
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
    return failure == std::errc{} && end == text.data() + text.size();
}

bool read_upstream(std::string_view text, proxy::upstream& out) {
    const std::size_t colon = text.rfind(':');
    if (colon == text.npos) return false;
    std::string_view host = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    std::uint16_t number = 0;
    if (host.empty() || !read_number(port, number) || number == 0) return false;
    out.host = host;
    out.port = port;
    return true;
}

/// nullopt if the arguments are invalid, after a line that says which.
std::optional<options> read_options(int count, char** arguments) {
    options out;
    for (int i = 1; i < count; ++i) {
        const std::string_view name = arguments[i];
        if (name == "--help") {
            std::fputs(usage, stdout);
            std::exit(EXIT_SUCCESS);
        }
        const char* const value = i + 1 < count ? arguments[++i] : "";
        std::uint16_t seconds = 0;
        if (name == "--patience" && read_number(value, seconds) && seconds != 0)
            out.upstream.patience = std::chrono::seconds(seconds);
        else if (!(name == "--listen" && read_number(value, out.listen)) &&
                 !(name == "--upstream" && read_upstream(value, out.upstream))) {
            std::fprintf(stderr, "proxy: cannot use %s %s\n", name.data(), value);
            return std::nullopt;
        }
    }
    if (!out.upstream.host.empty()) return out;
    std::fputs("proxy: --upstream is missing\n", stderr);
    return std::nullopt;
}

/// "Fetch v11", or "none".
std::string name_of(const proxy::totals& all) {
    if (all.slowest == proxy::clock::duration{}) return "none";
    const kwire::request_start& request = all.slowest_request;
    return std::string(kwire::facts_of(request.api).name) + " v" + std::to_string(request.api_version);
}

int run(const options& chosen) {
    namespace asio = boost::asio;
    using asio::ip::tcp;
    proxy::totals all; // outlives the coroutines that the context destroys
    asio::io_context context(1);

    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&context](boost::system::error_code, int) { context.stop(); });

    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), chosen.listen});
    std::printf("listening on 127.0.0.1:%d\n", acceptor.local_endpoint().port());
    std::fflush(stdout);
    asio::co_spawn(context, proxy::accept(std::move(acceptor), chosen.upstream, all), asio::detached);
    context.run();

    const auto slowest = std::chrono::ceil<std::chrono::milliseconds>(all.slowest);
    std::printf("connections: %ju, requests: %ju, raw tokens: %ju, responses with new addresses: %ju, "
                "slowest: %s in %jd ms, payload bytes copied by kwire: %ju\n",
                std::uintmax_t{all.connections}, std::uintmax_t{all.requests}, std::uintmax_t{all.tokens},
                std::uintmax_t{all.redirected}, name_of(all).c_str(), std::intmax_t{slowest.count()},
                std::uintmax_t{kwire::copied_bytes()});
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
        std::fprintf(stderr, "proxy: %s\n", e.what());
        return EXIT_FAILURE;
    }
}
