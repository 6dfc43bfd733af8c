#include <kwire/asio/serve.hpp>
#include <kwire/connect/counting_metrics.hpp>
#include <kwire/connect/limits.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace asio = boost::asio;
using kwire::api_key;
using kwire::errc;
using kwire::limits;
using kwire::serve_options;
using kwire::serve_stop;
using namespace std::chrono_literals;

namespace {

/// A request with its length: ApiVersions v0 with `more` bytes as its body, or of another API.
std::string request(std::size_t more = 0, api_key api = api_key::api_versions) {
    std::string bytes(4 + 10 + more, '\0');
    const auto at = std::as_writable_bytes(std::span(bytes));
    kwire::wire::store_be(at.data(), static_cast<std::uint32_t>(10 + more));
    kwire::wire::store_be(at.data() + 4, static_cast<std::int16_t>(api));
    kwire::wire::store_be(at.data() + 12, std::int16_t{-1});
    return bytes;
}
kwire::buffer_chain answer_of(std::size_t size) {
    kwire::buffer_chain out;
    out.put_bytes(kwire::shared_buffer::copy_of(std::string(size, 'a')));
    return out;
}

/// One connection, served until it ends.
struct serving {
    using handler = std::function<void(kwire::request_frame, kwire::responder)>;

    asio::io_context context;
    asio::local::stream_protocol::socket stream{context}, peer{context};
    kwire::counting_metrics counted;
    std::optional<kwire::serve_report> end;

    serving(const serve_options& options, handler calls) {
        asio::local::connect_pair(stream, peer);
        kwire::async_serve(stream, std::move(calls), options, counted,
                           [this](kwire::serve_report report) { end = std::move(report); });
    }
    void send(const std::string& bytes) { asio::write(peer, asio::buffer(bytes)); }
    void finish() {
        peer.shutdown(asio::socket_base::shutdown_send);
        context.run_for(10s);
        REQUIRE(end);
    }
};

} // namespace

TEST_CASE("requests, answers, reads and writes of a connection are counted as its report says") {
    serving s({.max_in_flight = 8},
              [](const kwire::request_frame&, kwire::responder answer) { answer.send(answer_of(20)); });
    s.send(request() + request(100) + request(0, api_key::metadata));
    s.finish();
    CHECK(s.end->why == serve_stop::end_of_stream);
    CHECK(s.counted.request_sizes().count() == 3);
    CHECK(s.counted.request_sizes().sum == s.end->bytes_in);
    CHECK(s.counted.answer_sizes().count() == 3);
    CHECK(s.counted.answer_sizes().sum == s.end->bytes_out);
    CHECK(s.counted.latency(api_key::api_versions).count() == 2);
    CHECK(s.counted.latency(api_key::metadata).count() == 1);
    const kwire::traffic_event traffic = s.counted.traffic();
    CHECK(traffic.frames == 3);
    CHECK(traffic.reads == s.end->reads);
    CHECK(traffic.read_bytes == s.end->bytes_in);
    CHECK(traffic.writes == s.end->writes);
    CHECK(traffic.written_bytes == s.end->bytes_out);
    CHECK(traffic.allocations >= 1);
    CHECK(traffic.reads == 1); // three frames out of one read
}

TEST_CASE("latency is measured until a handler answers, also out of order") {
    asio::steady_timer* timer = nullptr;
    std::vector<kwire::responder> kept;
    serving s({.max_in_flight = 2}, [&](const kwire::request_frame&, kwire::responder answer) {
        kept.push_back(std::move(answer));
        if (kept.size() != 2) return;
        kept[1].send(answer_of(8));
        timer->expires_after(20ms);
        timer->async_wait([&](auto) { kept[0].send(answer_of(8)); });
    });
    asio::steady_timer late(s.context);
    timer = &late;
    s.send(request() + request(0, api_key::metadata));
    s.finish();
    CHECK(s.end->answers == 2);
    CHECK(s.counted.latency(api_key::api_versions).sum >= 20'000'000);
    CHECK(s.counted.latency(api_key::metadata).count() == 1);
    CHECK(s.counted.latency(api_key::metadata).sum <= s.counted.latency(api_key::api_versions).sum);
}

TEST_CASE("what a limit refuses is counted by its reason, once") {
    const limits allowed{.frame_bytes = 100, .header_tags = 1};
    serving s(serve_options::within(allowed),
              [](const kwire::request_frame&, kwire::responder answer) { answer.send_nothing(); });
    errc expected = errc::frame_too_large;
    SECTION("a frame above the limit") { s.send(request(90) + request(91)); }
    SECTION("a header with more tags than the limit") {
        s.send(request(90));
        s.send(std::string("\0\0\0\x0f\0\x12\0\x03\0\0\0\1\xff\xff\x02\0\0\1\0", 19));
        expected = errc::too_large;
    }
    s.finish();
    CHECK(s.end->why == serve_stop::refused);
    CHECK(s.counted.refusals(expected) == 1);
    CHECK(s.counted.request_sizes().count() == 1);
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < kwire::counting_metrics::reason_count; ++i)
        all += s.counted.refusals(static_cast<errc>(i));
    CHECK(all == 1);
    CHECK(s.counted.answer_sizes().count() == 0); // send_nothing() sent nothing
    CHECK(s.counted.latency(api_key::api_versions).count() == 1);
}

TEST_CASE("a handler lets its peer send longer requests once it has authenticated") {
    const limits allowed{.frame_bytes = 1000, .frame_bytes_before_authentication = 100};
    serving s(serve_options::within(allowed.before_authentication()),
              [&](const kwire::request_frame& r, kwire::responder answer) {
                  if (r.api() == api_key::sasl_authenticate) answer.set_max_frame_bytes(allowed.frame_bytes);
                  answer.send_nothing();
              });
    s.send(request(0, api_key::sasl_authenticate) + request(990));
    s.send(request(991));
    s.finish();
    CHECK(s.end->requests == 2);
    CHECK(s.end->why == serve_stop::refused);
    REQUIRE(s.end->refusal);
    CHECK(s.end->refusal->left == 1000);
}

TEST_CASE("a deadline that passes is counted by its name") {
    serve_options options;
    options.patience = {.first_request = 10s, .idle = 10s, .read = 10s, .write = 10s};
    auto expected = kwire::deadline::first_request;
    std::string sent;
    SECTION("nothing comes") { options.patience.first_request = 40ms; }
    SECTION("nothing comes after a request") {
        options.patience.idle = 40ms;
        sent = request();
        expected = kwire::deadline::idle;
    }
    SECTION("the rest of a request does not come") {
        options.patience.read = 40ms;
        sent = request().substr(0, 9);
        expected = kwire::deadline::read;
    }
    serving s(options, [](const kwire::request_frame&, kwire::responder answer) { answer.send_nothing(); });
    s.send(sent);
    s.context.run_for(10s);
    REQUIRE(s.end);
    CHECK(s.end->why == serve_stop::silent);
    for (const auto each : {kwire::deadline::first_request, kwire::deadline::idle, kwire::deadline::read,
                            kwire::deadline::write})
        CHECK(s.counted.timeouts(each) == (each == expected ? 1 : 0));
}

TEST_CASE("a limit that a responder sets has no effect after its answer, nor after the end") {
    std::optional<kwire::responder> kept;
    {
        serving s(serve_options::within({.frame_bytes = 100}),
                  [&](const kwire::request_frame& r, kwire::responder answer) {
                      answer.send_nothing();
                      answer.set_max_frame_bytes(1000);
                      if (r.body().size() == 1) kept = std::move(answer);
                  });
        s.send(request(1) + request(91));
        s.finish();
        CHECK(s.counted.refusals(errc::frame_too_large) == 1);
    }
    REQUIRE(kept);
    kept->set_max_frame_bytes(1);
}

TEST_CASE("serve_options within limits are those of the connection") {
    limits allowed{.frame_bytes = 1, .read_ahead_bytes = 2, .header_tags = 3, .header_tag_bytes = 4};
    allowed.requests_in_flight = 5;
    allowed.bytes_in_flight = 6;
    allowed.unsent = {.high = 8, .low = 7};
    const serve_options options = serve_options::within(allowed);
    CHECK(options.frames.max_frame_bytes == 1);
    CHECK(options.frames.read_ahead_bytes == 2);
    CHECK(options.headers.max_tags == 3);
    CHECK(options.headers.max_tag_bytes == 4);
    CHECK(options.max_in_flight == 5);
    CHECK(options.max_bytes_in_flight == 6);
    CHECK(options.water.low == 7);
    CHECK(options.water.high == 8);

    const serve_options usual = serve_options::within({}), plain;
    CHECK(usual.frames.max_frame_bytes == plain.frames.max_frame_bytes);
    CHECK(usual.max_in_flight == plain.max_in_flight);
    CHECK(usual.max_bytes_in_flight == plain.max_bytes_in_flight);
}
