/// A small HTTP server with the numbers of a program: --metrics of echo_broker and proxy.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace metrics_http {

namespace asio = boost::asio;
using asio::ip::tcp;

/// A number of the program.
struct figure {
    std::string_view name, type, help;
    std::uint64_t value;
};

/// The figures in the text format of Prometheus, with `prefix` before their names.
inline std::string prometheus(std::string_view prefix, std::span<const figure> figures) {
    std::string out;
    for (const figure& one : figures) {
        const std::string name = std::string(prefix) + std::string(one.name);
        out += "# HELP " + name + ' ' + std::string(one.help) + "\n# TYPE " + name + ' ' +
               std::string(one.type) + '\n' + name + ' ' + std::to_string(one.value) + '\n';
    }
    return out;
}

struct answer {
    std::string_view status, type;
    std::string body;
};
inline answer of_prometheus(std::string text) {
    return {"200 OK", "text/plain; version=0.0.4; charset=utf-8", std::move(text)};
}
inline answer refusal(std::string_view status, std::string text) {
    return {status, "text/plain; charset=utf-8", std::move(text)};
}

inline constexpr auto quiet = asio::as_tuple(asio::use_awaitable);
inline constexpr std::size_t longest_request = 8192;
inline constexpr std::size_t most_clients = 16;

inline std::string bytes_of(const answer& given, bool with_body = true) {
    std::string out = "HTTP/1.1 " + std::string(given.status) +
                      "\r\nContent-Type: " + std::string(given.type) +
                      "\r\nContent-Length: " + std::to_string(given.body.size()) +
                      "\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n";
    if (with_body) out += given.body;
    return out;
}

/// The bytes that answer a request of which this is all up to the empty line.
template <class Pages>
std::string answer_to_request(std::string_view request, const Pages& pages) {
    const std::string_view line = request.substr(0, request.find("\r\n"));
    const auto method_end = line.find(' ');
    const auto path_end = method_end == line.npos ? line.npos : line.find(' ', method_end + 1);
    if (path_end == line.npos || !line.substr(path_end + 1).starts_with("HTTP/1."))
        return bytes_of(refusal("400 Bad Request", "not a request of HTTP/1\n"));
    const std::string_view method = line.substr(0, method_end);
    std::string_view path = line.substr(method_end + 1, path_end - method_end - 1);
    path = path.substr(0, path.find('?'));
    if (method != "GET" && method != "HEAD")
        return bytes_of(refusal("405 Method Not Allowed", "only GET and HEAD\n"));
    return bytes_of(pages(path), method == "GET");
}

template <class Pages>
asio::awaitable<void> serve_one(std::shared_ptr<tcp::socket> socket, Pages pages,
                                std::shared_ptr<std::size_t> clients) {
    struct counted {
        std::size_t& all;
        explicit counted(std::size_t& clients) : all(clients) { ++all; }
        counted(const counted&) = delete;
        counted& operator=(const counted&) = delete;
        ~counted() { --all; }
    } const count(*clients);
    asio::steady_timer bound(socket->get_executor(), std::chrono::seconds(5));
    bound.async_wait([socket](const boost::system::error_code& cancelled) {
        boost::system::error_code ignored;
        if (!cancelled) socket->shutdown(tcp::socket::shutdown_both, ignored);
    });

    std::string request;
    std::array<char, 1024> some{};
    while (request.find("\r\n\r\n") == request.npos) {
        const auto [failure, n] = co_await socket->async_read_some(asio::buffer(some), quiet);
        if (failure) co_return;
        request.append(some.data(), n);
        if (request.size() > longest_request) {
            request.clear();
            break;
        }
    }
    const std::string out =
        request.empty()
            ? bytes_of(refusal("431 Request Header Fields Too Large", "the request is too long\n"))
            : answer_to_request(request, pages);
    co_await asio::async_write(*socket, asio::buffer(out), quiet);
    // What was not read yet would make the kernel reset the connection, and the answer might be lost.
    boost::system::error_code failure;
    socket->shutdown(tcp::socket::shutdown_send, failure);
    for (std::size_t read = 0, n = 0; !failure && read < longest_request; read += n)
        std::tie(failure, n) = co_await socket->async_read_some(asio::buffer(some), quiet);
}

/// Answers GET and HEAD with what `pages(path)` returns, an `answer`. Each client may send 8 KiB and has five
/// seconds; 16 of them are served at a time. `ended` gets what a client's coroutine threw, such as
/// std::bad_alloc.
template <class Pages, class Ended>
asio::awaitable<void> serve(tcp::acceptor acceptor, Pages pages, Ended ended) {
    const auto executor = co_await asio::this_coro::executor;
    const auto clients = std::make_shared<std::size_t>(0);
    asio::steady_timer pause(executor);
    for (;;) {
        auto [failure, socket] = co_await acceptor.async_accept(quiet);
        if (failure) { // no file descriptor is left
            pause.expires_after(std::chrono::milliseconds(100));
            co_await pause.async_wait(quiet);
        } else if (*clients < most_clients) {
            asio::co_spawn(
                executor, serve_one(std::make_shared<tcp::socket>(std::move(socket)), pages, clients), ended);
        }
    }
}

} // namespace metrics_http
