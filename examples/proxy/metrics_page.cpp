#include "metrics_page.hpp"

#include <kwire/connect/prometheus.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace proxy {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto quiet = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t longest_request = 8192;

std::string page(const kwire::counting_metrics& counted, const totals& all) {
    std::string out = kwire::prometheus_text(counted);
    const auto add = [&out](std::string_view name, std::string_view type, std::string_view help,
                            std::uint64_t value) {
        const std::string full = "proxy_" + std::string(name);
        out += "# HELP " + full + ' ' + std::string(help) + "\n# TYPE " + full + ' ' + std::string(type) +
               '\n' + full + ' ' + std::to_string(value) + '\n';
    };
    add("connections", "gauge", "Clients that are connected.", all.open);
    add("connections_total", "counter", "Clients that have connected.", all.connections);
    add("requests_total", "counter", "Requests that were passed on.", all.requests);
    add("unknown_requests_total", "counter", "Requests of APIs and versions that kwire does not know.",
        all.unknown);
    add("tokens_total", "counter", "Raw SASL tokens, of both sides.", all.tokens);
    add("addresses_replaced_total", "counter", "Addresses of brokers that were replaced.", all.redirected);
    add("names_changed_total", "counter", "Names that got a prefix or lost it.", all.renamed);
    add("hidden_total", "counter", "Elements of answers that are of other tenants.", all.hidden);
    return out;
}

std::string answer_to(std::string_view request, const kwire::counting_metrics& counted, const totals& all) {
    std::string status = "404 Not Found", body = "there is /metrics\n";
    if (request.starts_with("GET /metrics ") || request.starts_with("GET /metrics?")) {
        status = "200 OK";
        body = page(counted, all);
    } else if (!request.starts_with("GET ")) {
        status = "405 Method Not Allowed";
        body = "only GET\n";
    }
    return "HTTP/1.1 " + status +
           "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
}

asio::awaitable<void> serve(std::shared_ptr<tcp::socket> socket, const kwire::counting_metrics& counted,
                            const totals& all) {
    asio::steady_timer bound(socket->get_executor(), std::chrono::seconds(5));
    bound.async_wait([socket](const boost::system::error_code& cancelled) {
        boost::system::error_code ignored;
        if (!cancelled) socket->close(ignored);
    });
    std::string request;
    std::array<char, 1024> some{};
    while (request.find("\r\n\r\n") == request.npos) {
        const auto [failure, n] = co_await socket->async_read_some(asio::buffer(some), quiet);
        if (failure || request.size() + n > longest_request) co_return;
        request.append(some.data(), n);
    }
    const std::string out = answer_to(request, counted, all);
    co_await asio::async_write(*socket, asio::buffer(out), quiet);
    boost::system::error_code ignored;
    socket->shutdown(tcp::socket::shutdown_send, ignored);
    co_await socket->async_read_some(asio::buffer(some), quiet); // until the client has closed
}

} // namespace

asio::awaitable<void> serve_metrics(tcp::acceptor acceptor, const kwire::counting_metrics& counted,
                                    const totals& all) {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer pause(executor);
    for (;;) {
        auto [failure, socket] = co_await acceptor.async_accept(quiet);
        if (!failure) {
            asio::co_spawn(executor, serve(std::make_shared<tcp::socket>(std::move(socket)), counted, all),
                           [](const std::exception_ptr&) {}); // such as std::bad_alloc
        } else {                                              // no file descriptor is left
            pause.expires_after(std::chrono::milliseconds(100));
            co_await pause.async_wait(quiet);
        }
    }
}

} // namespace proxy
