#include "echo_broker/observe/metrics_page.hpp"

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
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "echo_broker/broker.hpp"
#include "echo_broker/network/deadline.hpp"
#include "echo_broker/report.hpp"

namespace echo_broker {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;

namespace {

constexpr auto quiet = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t longest_request = 8192;
constexpr std::size_t most_clients = 16;
constexpr std::size_t most_topics = 1000; ///< of the page

/// A number of the broker.
struct figure {
    std::string_view name, type, help;
    std::uint64_t value;
};

std::vector<figure> figures(const broker& here) {
    std::uint64_t partitions = 0;
    for (const auto& [name, topic] : here.topics.all()) partitions += topic->partitions.size();
    const auto up = std::chrono::steady_clock::now() - here.started;
    return {
        {"uptime_seconds", "gauge", "Time since the start.",
         static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(up).count())},
        {"connections", "gauge", "Connections that are open.", here.connections},
        {"topics", "gauge", "Topics.", here.topics.all().size()},
        {"partitions", "gauge", "Partitions of all topics.", partitions},
        {"groups", "gauge", "Consumer groups of both protocols.",
         here.classic_groups.all().size() + here.consumer_groups.list().size()},
        {"log_bytes", "gauge", "Memory that the records of all partitions keep.", here.records.bytes()},
        {"requests_total", "counter", "Requests.", here.done.requests},
        {"batches_total", "counter", "Batches that were appended.", here.done.batches},
        {"batch_bytes_in_total", "counter", "Bytes of these batches.", here.done.bytes_in},
        {"batch_bytes_out_total", "counter", "Bytes of batches in answers to Fetch.", here.done.bytes_out},
        {"batch_bytes_copied_total", "counter", "Bytes of batches that did not keep their frames.",
         here.done.copied_to_free},
    };
}

std::string prometheus(const broker& here) {
    std::string out = kwire::prometheus_text(here.metrics);
    for (const figure& one : figures(here)) {
        const std::string name = "echo_broker_" + std::string(one.name);
        out += "# HELP " + name + ' ' + std::string(one.help) + "\n# TYPE " + name + ' ' +
               std::string(one.type) + '\n' + name + ' ' + std::to_string(one.value) + '\n';
    }
    return out;
}

/// Topics have names that mean nothing to HTML: topic_table::valid_name.
std::string page(const broker& here) {
    std::string out = "<!DOCTYPE html>\n<html lang=\"en\"><title>echo_broker</title>\n<h1>echo_broker</h1>\n"
                      "<p><a href=\"/metrics\">/metrics</a> has all numbers, for Prometheus.</p>\n<table>\n";
    for (const figure& one : figures(here))
        out += "<tr><td>" + std::string(one.help) + "<td align=right>" + std::to_string(one.value) + '\n';
    out += "</table>\n<h2>Topics</h2>\n<table>\n<tr><th>topic<th>partition<th>first offset<th>next offset\n";
    std::size_t left = most_topics;
    for (const auto& [name, topic] : here.topics.all())
        for (std::size_t i = 0; i < topic->partitions.size() && left != 0; ++i, --left)
            out += "<tr><td>" + name + "<td align=right>" + std::to_string(i) + "<td align=right>" +
                   std::to_string(topic->partitions[i].start_offset()) + "<td align=right>" +
                   std::to_string(topic->partitions[i].end_offset()) + '\n';
    out += "</table>\n";
    if (left == 0) out += "<p>There may be more.</p>\n";
    return out + "</html>\n";
}

std::string answer(std::string_view status, std::string_view type, std::string_view body,
                   bool with_body = true) {
    std::string out = "HTTP/1.1 " + std::string(status) + "\r\nContent-Type: " + std::string(type) +
                      "\r\nContent-Length: " + std::to_string(body.size()) +
                      "\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n";
    if (with_body) out += body;
    return out;
}

/// The answer to a request of which this is all up to the empty line.
std::string answer_to_request(const broker& here, std::string_view request) {
    constexpr std::string_view text = "text/plain; charset=utf-8";
    const std::string_view line = request.substr(0, request.find("\r\n"));
    const auto method_end = line.find(' ');
    const auto path_end = method_end == line.npos ? line.npos : line.find(' ', method_end + 1);
    if (path_end == line.npos || !line.substr(path_end + 1).starts_with("HTTP/1."))
        return answer("400 Bad Request", text, "not a request of HTTP/1\n");
    const std::string_view method = line.substr(0, method_end);
    std::string_view path = line.substr(method_end + 1, path_end - method_end - 1);
    path = path.substr(0, path.find('?'));
    if (method != "GET" && method != "HEAD")
        return answer("405 Method Not Allowed", text, "only GET and HEAD\n");
    const bool with_body = method == "GET";
    if (path == "/metrics")
        return answer("200 OK", "text/plain; version=0.0.4; charset=utf-8", prometheus(here), with_body);
    if (path == "/") return answer("200 OK", "text/html; charset=utf-8", page(here), with_body);
    return answer("404 Not Found", text, "there are / and /metrics\n", with_body);
}

asio::awaitable<void> serve(tcp::socket socket, broker& here, std::shared_ptr<std::size_t> clients) {
    struct counted {
        std::size_t& all;
        explicit counted(std::size_t& clients) : all(clients) { ++all; }
        counted(const counted&) = delete;
        counted& operator=(const counted&) = delete;
        ~counted() { --all; }
    } const count(*clients);
    const deadline bound(here.timers, socket, 5s);

    std::string request;
    std::array<char, 1024> some{};
    while (!request.contains("\r\n\r\n")) {
        const auto [failure, n] = co_await socket.async_read_some(asio::buffer(some), quiet);
        if (failure) co_return;
        request.append(some.data(), n);
        if (request.size() > longest_request) {
            request.clear();
            break;
        }
    }
    const std::string out = request.empty() ? answer("431 Request Header Fields Too Large",
                                                     "text/plain; charset=utf-8", "the request is too long\n")
                                            : answer_to_request(here, request);
    co_await asio::async_write(socket, asio::buffer(out), quiet);
    // What was not read yet would make the kernel reset the connection, and the answer might be lost.
    boost::system::error_code failure;
    socket.shutdown(tcp::socket::shutdown_send, failure);
    for (std::size_t read = 0, n = 0; !failure && read < longest_request; read += n)
        std::tie(failure, n) = co_await socket.async_read_some(asio::buffer(some), quiet);
}

} // namespace

asio::awaitable<void> serve_metrics(tcp::acceptor acceptor, broker& here) {
    const auto executor = co_await asio::this_coro::executor;
    const auto clients = std::make_shared<std::size_t>(0);
    asio::steady_timer pause(executor);
    for (;;) {
        auto [failure, socket] = co_await acceptor.async_accept(quiet);
        if (failure) { // no file descriptor is left
            pause.expires_after(100ms);
            co_await pause.async_wait(quiet);
        } else if (*clients < most_clients) {
            asio::co_spawn(executor, serve(std::move(socket), here, clients), report_end_of_coroutine);
        }
    }
}

} // namespace echo_broker
