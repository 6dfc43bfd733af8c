// needs: standalone_asio
// The operations on standalone Asio: the same headers, compiled for another library.
#include <kwire/asio.hpp>
#include <kwire/connect/frame.hpp>
#include <kwire/messages/api_versions.hpp>

#include <exception>
#include <system_error>
#include <utility>

#include "catch.hpp"
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/use_awaitable.hpp>

static_assert(std::is_same_v<decltype(kwire::make_error_code(kwire::errc::truncated)), std::error_code>);
static_assert(std::is_error_code_enum_v<kwire::errc>);

namespace {

/// Sends 100 requests with one write, and checks the answers.
struct client {
    explicit client(asio::io_context& context) : socket(context) {}

    void start() {
        for (std::int32_t id = 0; id < 100; ++id)
            out.push(kwire::encode_request<kwire::api_versions_request>(kwire::api_versions_request::data{},
                                                                        0, id, "me")
                         .value());
        kwire::async_flush(socket, out, [this](std::error_code ec) {
            CHECK_FALSE(ec);
            read();
        });
    }
    void read() {
        kwire::async_fill(socket, reader, [this](std::error_code ec) {
            CHECK_FALSE(ec);
            while (auto frame = reader.next().value()) {
                const auto response =
                    kwire::parse_response_frame(*std::move(frame), kwire::api_key::api_versions, 0).value();
                CHECK(response.correlation_id() == answers++);
            }
            if (!ec && answers < 100)
                read();
            else
                socket.close();
        });
    }

    asio::ip::tcp::socket socket;
    kwire::outbox out;
    kwire::response_reader reader;
    int answers = 0;
};

} // namespace

TEST_CASE("a connection is served on standalone Asio") {
    asio::io_context context(1);
    asio::ip::tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
    client asking(context);
    asking.socket.connect(acceptor.local_endpoint());
    asio::ip::tcp::socket served = acceptor.accept();
    kwire::serve_report end;
    kwire::async_serve(
        served,
        [](const kwire::request_frame& request, kwire::responder answer) {
            answer.send(
                kwire::encode_response(kwire::api_versions_response::data{}, 0, request.correlation_id())
                    .value());
        },
        kwire::serve_options{}, [&](kwire::serve_report report) { end = std::move(report); });
    asking.start();
    context.run();
    CHECK(asking.answers == 100);
    INFO(end.reason);
    CHECK(end.why == kwire::serve_stop::end_of_stream);
    CHECK(end.answers == 100);
}
