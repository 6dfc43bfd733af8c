// A proxy between Kafka clients and a broker, made with kwire: the session of docs/proxy.md over sockets.
//
//     main.cpp             options, signals, summary
//     listening_ports.hpp  a port of the proxy for each broker
//     connection.hpp       a client's socket and a broker's: read a frame, handle it, write it
//     session.hpp          what becomes of each frame; knows nothing of sockets
//     tenant.hpp           names under a prefix
//     value_cipher.hpp     values that the brokers cannot read
#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/connect/frame.hpp>

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

#include "listening_ports.hpp"
#include "value_cipher.hpp"

namespace {

struct options {
    proxy::address listen{.host = "127.0.0.1", .port = 0};
    proxy::address upstream;
    std::string prefix;
    std::string key_file;
    proxy::clock::duration patience = std::chrono::minutes(1); ///< with a receiver that takes nothing
    bool verbose = false;
};

constexpr const char* usage =
    "usage: proxy --upstream HOST:PORT [--listen [ADDRESS:]PORT] [option...]\n"
    "\n"
    "A proxy between Kafka clients and a cluster. Clients find each broker at a port of the\n"
    "proxy: broker 0 at the one after --listen, and so on, or at any that is free. They may\n"
    "use the versions that both the brokers and kwire know. All else, SASL included, passes\n"
    "unchanged.\n"
    "\n"
    "  --upstream HOST:PORT  where the cluster is found; also [IPV6]:PORT\n"
    "  --listen [ADDRESS:]PORT\n"
    "                        where clients begin; port 0, the default, chooses a free one, and\n"
    "                        the default address is 127.0.0.1\n"
    "  --topic-prefix TEXT   clients see only topics, groups and transactions whose names begin\n"
    "                        with TEXT, and see them without it\n"
    "  --encrypt-values FILE values are stored encrypted with AES-256-GCM; FILE has the key, 64\n"
    "                        hexadecimal digits\n"
    "  --patience SECONDS    until a client or broker that takes no bytes is disconnected;\n"
    "                        default 60\n"
    "  --verbose             prints a line for each request\n"
    "  --help, -h            prints this text\n"
    "\n"
    "Prints \"listening on ADDRESS:PORT\" when ready. SIGINT and SIGTERM stop it; then it\n"
    "prints totals.\n";

bool read_number(std::string_view text, std::uint16_t& out) {
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
    return failure == std::errc{} && end == text.data() + text.size();
}

/// HOST:PORT or [IPV6]:PORT.
bool read_address(std::string_view text, proxy::address& out) {
    const std::size_t colon = text.rfind(':');
    if (colon == text.npos) return false;
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    std::uint16_t number = 0;
    if (host.empty() || !read_number(text.substr(colon + 1), number)) return false;
    out = {std::string(host), number};
    return true;
}
bool read_listen(std::string_view text, proxy::address& out) {
    if (std::uint16_t port = 0; read_number(text, port)) {
        out.port = port;
        return true;
    }
    return read_address(text, out);
}

bool read_option(std::string_view name, std::string_view value, options& out) {
    if (name == "--listen") return read_listen(value, out.listen);
    if (name == "--upstream") return read_address(value, out.upstream) && out.upstream.port != 0;
    if (name == "--topic-prefix") {
        out.prefix = value;
        return !value.empty();
    }
    if (name == "--encrypt-values") {
        out.key_file = value;
        return !value.empty();
    }
    std::uint16_t seconds = 0;
    if (name != "--patience" || !read_number(value, seconds) || seconds == 0) return false;
    out.patience = std::chrono::seconds(seconds);
    return true;
}

/// nullopt if the arguments are invalid, after a line that says which.
std::optional<options> read_options(int count, char** arguments) {
    options out;
    for (int i = 1; i < count; ++i) {
        const std::string_view name = arguments[i];
        if (name == "--help" || name == "-h") {
            std::fputs(usage, stdout);
            std::exit(EXIT_SUCCESS);
        }
        if (name == "--verbose") {
            out.verbose = true;
            continue;
        }
        const char* const value = i + 1 < count ? arguments[++i] : "";
        if (!read_option(name, value, out)) {
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
    proxy::totals all; // what the context's coroutines use outlives it
    kwire::topic_directory topics;
    const proxy::tenant names(chosen.prefix);
    std::optional<proxy::value_cipher> cipher;
    if (!chosen.key_file.empty()) cipher.emplace(chosen.key_file);
    std::optional<proxy::surroundings> in;
    asio::io_context context(1);
    proxy::listening_ports brokers(
        context, {asio::ip::make_address(chosen.listen.host), static_cast<std::uint16_t>(chosen.listen.port)},
        chosen.upstream, chosen.patience);
    in.emplace(brokers, names, topics, all);
    in->verbose = chosen.verbose;
    if (cipher) {
        in->values = &*cipher;
        // Its values are not decrypted: consumers are to use Fetch.
        in->spoken[static_cast<std::size_t>(kwire::api_key::share_fetch)].versions = {};
    }

    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&context](boost::system::error_code, int) { context.stop(); });

    const auto here = brokers.bootstrap();
    std::printf(here.address().is_v6() ? "listening on [%s]:%d\n" : "listening on %s:%d\n",
                here.address().to_string().c_str(), here.port());
    std::fflush(stdout);
    brokers.serve(*in);
    context.run();

    const auto slowest = std::chrono::ceil<std::chrono::milliseconds>(all.slowest);
    std::printf(
        "connections: %ju, requests: %ju, raw tokens: %ju, addresses replaced: %ju, names changed: %ju, "
        "hidden: %ju, "
        "slowest: %s in %jd ms, payload bytes copied by kwire: %ju\n",
        std::uintmax_t{all.connections}, std::uintmax_t{all.requests}, std::uintmax_t{all.tokens},
        std::uintmax_t{all.redirected}, std::uintmax_t{all.renamed}, std::uintmax_t{all.hidden},
        name_of(all).c_str(), std::intmax_t{slowest.count()}, std::uintmax_t{kwire::copied_bytes()});
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
