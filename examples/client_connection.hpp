/// One connection of a client to a broker, for client_produce and client_consume: it asks, and waits for the
/// answer.
#pragma once

#include <kwire/asio.hpp>
#include <kwire/kwire.hpp>
#include <kwire/messages/api_versions.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace client {

namespace asio = boost::asio;

[[noreturn]] inline void fail(const kwire::error& why) { throw std::runtime_error(kwire::to_string(why)); }
/// Fails with Kafka's name and number of a code that is not NONE.
inline void refuse(kwire::error_code code) {
    if (code != kwire::error_code::none) throw std::runtime_error(kwire::to_string(code));
}

class connection {
public:
    explicit connection(const asio::any_io_executor& executor) : socket_(executor) {}

    /// Connects, and learns which versions the broker speaks.
    asio::awaitable<void> open(std::string host, std::string port) {
        asio::ip::tcp::resolver resolver(co_await asio::this_coro::executor);
        const auto found = co_await resolver.async_resolve(host, port, asio::use_awaitable);
        co_await asio::async_connect(socket_, found, asio::use_awaitable);
        const kwire::api_versions_request::data asked{.client_software_name = "kwire-example",
                                                      .client_software_version = "1"};
        std::int16_t version = kwire::api_versions_request::facts.versions.last;
        for (;;) { // an older broker says which version to ask in (KIP-511)
            const auto answer = co_await ask<kwire::api_versions_response>(asked, version);
            if (const auto lower = kwire::retry_version(*answer, version)) {
                version = *lower;
                continue;
            }
            versions_ = kwire::common_versions(*answer);
            co_return;
        }
    }

    /// The highest version of a request that both sides speak, among those that the program wants.
    template <class Request>
    std::int16_t version(kwire::version_range wanted) const {
        const auto chosen = versions_.choose<Request>(wanted);
        if (!chosen) fail(chosen.error());
        return *chosen;
    }

    /// Sends a request and returns its answer, a message that keeps its bytes.
    template <class Response, class Data>
    asio::awaitable<kwire::message<Response>> ask(const Data& data, std::int16_t version) {
        const kwire::request_start start{static_cast<kwire::api_key>(Response::facts.key), version,
                                         next_id_++};
        auto bytes = kwire::encode_request(data, version, start.correlation_id, "kwire-example");
        if (!bytes) fail(bytes.error());
        if (auto noted = pending_.sent(start); !noted) fail(noted.error());
        out_.push(*std::move(bytes));
        co_await kwire::async_flush(socket_, out_, asio::use_awaitable);

        auto frame = co_await kwire::async_read_frame(socket_, reader_, asio::use_awaitable);
        const auto asked = pending_.received(frame.span());
        if (!asked) fail(asked.error());
        auto response = kwire::parse_response_frame(std::move(frame), start.api, version);
        if (!response) fail(response.error());
        auto message = kwire::parse<Response>(*std::move(response));
        if (!message) fail(message.error());
        co_return *std::move(message);
    }

private:
    asio::ip::tcp::socket socket_;
    kwire::correlator<> pending_;
    kwire::response_reader reader_{pending_};
    kwire::outbox out_;
    kwire::common_versions versions_;
    std::int32_t next_id_ = 1;
};

} // namespace client
