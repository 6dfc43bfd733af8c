// needs: asio
#include <kwire/asio.hpp>
#include <kwire/connect/frame.hpp>
#include <kwire/messages/api_versions.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

std::string request(std::int32_t id, const std::string& client = "me") {
    const auto chain =
        kwire::encode_request<kwire::api_versions_request>(kwire::api_versions_request::data{}, 0, id, client)
            .value();
    const auto all = chain.to_bytes();
    return {reinterpret_cast<const char*>(all.data()), all.size()};
}
kwire::buffer_chain answer(std::int32_t id) {
    return kwire::encode_response(kwire::api_versions_response::data{}, 0, id).value();
}

/// Connections whose handler keeps all requests.
struct connections {
    asio::io_context context{1};
    tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), 0}};
    std::deque<tcp::socket> clients, served;
    std::vector<std::pair<std::int32_t, kwire::responder>> kept;
    std::vector<kwire::serve_report> ended;
    kwire::serve_options options;

    explicit connections(std::shared_ptr<kwire::serve_budget> budget) {
        options.budget = std::move(budget);
        options.max_in_flight = 100;
    }
    tcp::socket& connect() {
        tcp::socket& client = clients.emplace_back(context);
        client.connect(acceptor.local_endpoint());
        kwire::async_serve(
            served.emplace_back(acceptor.accept()),
            [this](const kwire::request_frame& asked, kwire::responder to) {
                kept.emplace_back(asked.correlation_id(), std::move(to));
            },
            options, [this](kwire::serve_report report) { ended.push_back(std::move(report)); });
        return client;
    }
    /// Takes some time where there is nothing to do: on a busy machine bytes need it, even from socket to
    /// socket.
    void poll() {
        for (int i = 0; i < 20; ++i) {
            context.restart();
            if (context.poll() == 0) context.run_one_for(std::chrono::milliseconds(1));
        }
    }
    /// Answers the oldest request that was kept.
    void answer_one() {
        auto [id, to] = std::move(kept.front());
        kept.erase(kept.begin());
        to.send(answer(id));
        poll();
    }
    [[nodiscard]] std::vector<std::int32_t> ids() const {
        std::vector<std::int32_t> out;
        for (const auto& each : kept) out.push_back(each.first);
        return out;
    }
};

} // namespace

TEST_CASE("connections that share a budget take their requests in turn") {
    const auto budget = std::make_shared<kwire::serve_budget>(2, 1'000'000);
    connections all(budget);
    for (std::int32_t i = 0; i < 4; ++i) {
        asio::write(all.connect(), asio::buffer(request(10 * i) + request(10 * i + 1)));
        all.poll();
    }
    CHECK(all.ids() == std::vector{0, 1});
    CHECK(budget->requests() == 2);
    CHECK(budget->bytes() == 2 * (request(0).size() - 4));
    all.answer_one();
    CHECK(all.ids() == std::vector{1, 10});
    all.answer_one();
    CHECK(all.ids() == std::vector{10, 20}); // the second of each waits until the others had a first
    for (int i = 0; i < 6; ++i) all.answer_one();
    CHECK(all.kept.empty());
    CHECK(budget->requests() == 0);
    CHECK(budget->bytes() == 0);
}

TEST_CASE("one request is taken whatever its size, and then none while its bytes are too many") {
    const auto budget = std::make_shared<kwire::serve_budget>(100, 50);
    connections all(budget);
    asio::write(all.connect(), asio::buffer(request(1, std::string(200, 'c')) + request(2)));
    asio::write(all.connect(), asio::buffer(request(3)));
    all.poll();
    CHECK(all.kept.size() == 1);
    all.answer_one();
    CHECK(all.kept.size() >= 1);
    while (!all.kept.empty()) all.answer_one();
    CHECK(budget->bytes() == 0);
    CHECK(all.ended.empty());
}

TEST_CASE("a connection that ends gives back what it had, and one that waits does not keep the place") {
    const auto budget = std::make_shared<kwire::serve_budget>(1, 1'000'000);
    connections all(budget);
    asio::write(all.connect(), asio::buffer(request(1)));
    all.poll();
    for (std::int32_t id : {2, 3, 4}) {
        asio::write(all.connect(), asio::buffer(request(id)));
        all.poll();
    }
    CHECK(all.ids() == std::vector{1});
    SECTION("because its responder is lost") {
        all.kept.clear();
        all.poll();
        CHECK(all.ended.size() == 1);
    }
    SECTION("because it hangs up, and the next one in the queue has gone") {
        all.clients[1].close(); // its request was read and is not lost, but who waits for its answer?
        all.kept.front().second.hang_up("enough");
        all.kept.clear();
        all.poll();
    }
    REQUIRE(all.kept.size() == 1);
    while (!all.kept.empty()) all.answer_one();
    CHECK(budget->requests() == 0);
    CHECK(budget->bytes() == 0);
}

TEST_CASE("bytes that are not a request leave the budget alone") {
    const auto budget = std::make_shared<kwire::serve_budget>(1, 100);
    connections all(budget);
    asio::write(all.connect(), asio::buffer(request(1)));
    all.poll();
    asio::write(all.connect(),
                asio::buffer(std::string("\0\0\0\x08\0\x12\0\0\0\0\0\1", 12) + "GET / HTTP/1.1"));
    all.poll();
    all.answer_one();
    while (!all.kept.empty()) all.answer_one();
    CHECK(all.ended.size() == 1);
    CHECK(budget->requests() == 0);
    CHECK(budget->bytes() == 0);
}
