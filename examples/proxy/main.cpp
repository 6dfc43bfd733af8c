// A proxy between Kafka clients and a broker, made with kwire: the session of docs/proxy.md over sockets.
//
//     main.cpp             signals, summary
//     listening_ports.hpp  a port of the proxy for each broker
//     options.hpp          the arguments
//     connection.hpp       a client's socket and a broker's: read a frame, handle it, write it
//     byte_stream.hpp      a socket with or without TLS; tls.hpp: its certificates
//     metrics_page.hpp     numbers for Prometheus
//     session.hpp          what becomes of each frame; knows nothing of sockets
//     tenant.hpp           names under a prefix
//     value_cipher.hpp     values that the brokers cannot read
#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/connect/frame.hpp>

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
#include <optional>
#include <string>
#include <utility>

#include "listening_ports.hpp"
#include "metrics_page.hpp"
#include "options.hpp"
#include "tls.hpp"
#include "value_cipher.hpp"

namespace {

/// "Fetch v11", or "none".
std::string name_of(const proxy::totals& all) {
    if (all.slowest == proxy::clock::duration{}) return "none";
    const kwire::request_start& request = all.slowest_request;
    return std::string(kwire::facts_of(request.api).name) + " v" + std::to_string(request.api_version);
}

boost::asio::ip::tcp::endpoint endpoint_of(const proxy::address& one) {
    return {boost::asio::ip::make_address(one.host), static_cast<std::uint16_t>(one.port)};
}

int run(const proxy::options& chosen) {
    namespace asio = boost::asio;
    using asio::ip::tcp;
    proxy::totals all; // what the context's coroutines use outlives it
    kwire::topic_directory topics;
    const proxy::tenant names(chosen.prefix);
    std::optional<proxy::value_cipher> cipher;
    if (!chosen.key_file.empty()) cipher.emplace(chosen.key_file);
    proxy::transport how{.patience = chosen.patience};
    how.host = chosen.host;
    std::optional<asio::ssl::context> to_clients, to_brokers;
    if (!chosen.certificate.empty())
        how.to_clients = &to_clients.emplace(proxy::tls_for_clients(chosen.certificate, chosen.key));
    if (chosen.tls_to_brokers)
        how.to_brokers = &to_brokers.emplace(proxy::tls_for_brokers(chosen.authorities));
    kwire::counting_metrics counted;
    std::optional<proxy::surroundings> in;
    asio::io_context context(1);
    proxy::listening_ports brokers(context, endpoint_of(chosen.listen), chosen.upstream, how, chosen.ports);
    in.emplace(brokers, names, topics, all);
    in->verbose = chosen.verbose;
    in->passes_unknown = *chosen.passes_unknown;
    if (cipher) in->values = &*cipher;

    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&context](boost::system::error_code, int) { context.stop(); });

    const auto here = brokers.bootstrap();
    std::printf(here.address().is_v6() ? "listening on [%s]:%d\n" : "listening on %s:%d\n",
                here.address().to_string().c_str(), here.port());
    if (chosen.metrics) {
        tcp::acceptor page(context, endpoint_of(*chosen.metrics));
        std::printf("metrics on http://%s:%d/metrics\n", page.local_endpoint().address().to_string().c_str(),
                    page.local_endpoint().port());
        in->counted = &counted;
        asio::co_spawn(context, proxy::serve_metrics(std::move(page), counted, all), asio::detached);
    }
    std::fflush(stdout);
    brokers.serve(*in);
    context.run();

    const auto slowest = std::chrono::ceil<std::chrono::milliseconds>(all.slowest);
    std::printf(
        "connections: %ju, requests: %ju, raw tokens: %ju, addresses replaced: %ju, names changed: %ju, "
        "hidden: %ju, unknown: %ju, "
        "slowest: %s in %jd ms, payload bytes copied by kwire: %ju\n",
        std::uintmax_t{all.connections}, std::uintmax_t{all.requests}, std::uintmax_t{all.tokens},
        std::uintmax_t{all.redirected}, std::uintmax_t{all.renamed}, std::uintmax_t{all.hidden},
        std::uintmax_t{all.unknown}, name_of(all).c_str(), std::intmax_t{slowest.count()},
        std::uintmax_t{kwire::copied_bytes()});
    return EXIT_SUCCESS;
}

} // namespace

int main(int count, char** arguments) {
    const auto chosen = proxy::read_options(count, arguments);
    if (!chosen) {
        std::fputs(proxy::usage, stderr);
        return 2;
    }
    try {
        return run(*chosen);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "proxy: %s\n", e.what());
        return EXIT_FAILURE;
    }
}
