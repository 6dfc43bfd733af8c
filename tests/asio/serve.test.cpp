#include <kwire/asio/serve.hpp>
#include <kwire/buffer/streamed_bytes.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/asio_links.hpp"
#include "support/counted_bytes.hpp"

namespace asio = boost::asio;
using boost::system::error_code;
using kwire::buffer_chain;
using kwire::request_frame;
using kwire::responder;
using kwire::serve_options;
using kwire::serve_report;
using kwire::serve_stop;
using kwire::shared_buffer;
using namespace support;
using namespace std::chrono_literals;

namespace {

/// One type for all handlers, so that each kind of stream is compiled once.
using any_handler = std::move_only_function<void(request_frame, responder)>;
using any_completion = std::move_only_function<void(serve_report)>;

/// A connection that is served, and the peer that the test is.
template <class Link>
struct served {
    asio::io_context context;
    Link link{context};
    serve_options options;
    asio::cancellation_signal cancel;
    std::optional<serve_report> report;
    std::string got;
    std::size_t reads = SIZE_MAX; ///< what the peer still takes

    void start(any_handler handler) {
        kwire::async_serve(
            link.stream, std::move(handler), options,
            asio::bind_cancellation_slot(cancel.slot(), [this](serve_report r) { report = std::move(r); }));
    }
    /// Runs until `done`; false if that takes too long. Some turns are taken in any case: on a busy machine a
    /// few milliseconds may pass without one.
    template <class Done>
    bool until(Done done, std::chrono::milliseconds patience = 20s) {
        const auto end = std::chrono::steady_clock::now() + patience;
        for (int turns = 0; !done(); ++turns) {
            if (turns >= 5 && std::chrono::steady_clock::now() > end) return false;
            context.restart();
            if (context.poll() == 0) context.run_one_for(1ms);
            const std::string more = link.receive(reads);
            if (reads != SIZE_MAX) reads -= std::min(reads, more.size());
            got += more;
        }
        return true;
    }
    bool until_end() {
        return until([this] { return report.has_value(); }) && (until([] { return false; }, 5ms), true);
    }
    void run_for(std::chrono::milliseconds time) {
        until([] { return false; }, time);
    }
};

void answer_at_once(const request_frame& frame, responder respond) {
    respond.send(answer(frame.correlation_id()));
}

} // namespace

TEMPLATE_TEST_CASE("each request is answered, and the report counts them", "", over_tcp, over_unix,
                   over_memory, over_pipes) {
    served<TestType> s;
    s.start(answer_at_once);
    CHECK_FALSE(s.report);
    s.link.send(request(1));
    REQUIRE(s.until([&] { return s.got == answer_text(1); }));
    s.link.send(requests(2, 999));
    REQUIRE(s.until([&] { return s.got.size() >= 8000; }));
    CHECK(s.got == answers_text(1, 1000));
    CHECK_FALSE(s.report);
    s.link.end_of_requests();
    REQUIRE(s.until_end());
    CHECK(s.report->why == serve_stop::end_of_stream);
    CHECK(s.report->reason.empty());
    CHECK_FALSE(s.report->code);
    CHECK_FALSE(s.report->refusal);
    CHECK(s.report->requests == 1000);
    CHECK(s.report->answers == 1000);
    CHECK(s.report->bytes_in == 14'000);
    CHECK(s.report->bytes_out == 8000);
    CHECK(s.report->reads < 100);
    CHECK(s.report->writes < 100);
}

TEMPLATE_TEST_CASE("requests arrive byte by byte as well", "", over_unix, over_memory) {
    served<TestType> s;
    s.start(answer_at_once);
    for (const char c : requests(1, 5, 3)) {
        s.link.send(std::string(1, c));
        s.until([] { return false; }, 1ms);
    }
    REQUIRE(s.until([&] { return s.got == answers_text(1, 5); }));
}

TEMPLATE_TEST_CASE("answers that are given in any order leave in the order of the requests", "", over_unix,
                   over_memory) {
    served<TestType> s;
    s.options.max_in_flight = 8;
    std::mt19937 random(1);
    std::vector<std::pair<int, responder>> open;
    std::size_t most = 0;
    int seen = 0;
    s.start([&](const request_frame& frame, responder respond) {
        CHECK(frame.correlation_id() == ++seen);
        if (random() % 4 == 0) return respond.send(answer(frame.correlation_id(), 5)); // before others
        open.emplace_back(frame.correlation_id(), std::move(respond));
        most = std::max(most, open.size());
    });
    s.link.send(requests(1, 2000));
    s.link.end_of_requests();
    REQUIRE(s.until([&] {
        if (!open.empty()) {
            const std::size_t chosen = random() % open.size();
            std::swap(open[chosen], open.back());
            auto [id, respond] = std::move(open.back());
            open.pop_back();
            respond.send(answer(id, 5));
        }
        return s.report.has_value();
    }));
    s.run_for(5ms);
    CHECK(s.got == answers_text(1, 2000, 5));
    CHECK(most >= 6);
    CHECK(most <= 8);
    CHECK(s.report->why == serve_stop::end_of_stream);
    CHECK(s.report->answers == 2000);
}

TEMPLATE_TEST_CASE("with one request in flight the next one waits for the answer", "", over_unix,
                   over_memory) {
    served<TestType> s;
    std::vector<responder> open;
    s.start([&](const request_frame&, responder respond) { open.push_back(std::move(respond)); });
    s.link.send(requests(1, 3));
    for (int id = 1; id <= 3; ++id) {
        s.run_for(5ms);
        REQUIRE(open.size() == 1);
        responder one = std::move(open.back());
        open.clear();
        one.send(answer(id));
        one.send(answer(99)); // has no effect
    }
    REQUIRE(s.until([&] { return s.got == answers_text(1, 3); }));
}

TEMPLATE_TEST_CASE("a late answer that the high water mark stops does not stop the requests that wait", "",
                   over_unix, over_memory) {
    served<TestType> s;
    s.options.water = {.high = 100, .low = 10};
    s.start([&](const request_frame& frame, responder respond) {
        asio::post(s.context, [id = frame.correlation_id(), respond = std::move(respond)]() mutable {
            respond.send(answer(id, 500));
        });
    });
    s.link.send(requests(1, 10));
    REQUIRE(s.until([&] { return s.got.size() == 5080; }));
    CHECK(s.got == answers_text(1, 10, 500));
}

TEMPLATE_TEST_CASE("a peer that has closed its side gets all that it asked for", "", over_unix, over_memory) {
    served<TestType> s;
    s.options.max_in_flight = GENERATE(1U, 8U);
    s.start([&](const request_frame& frame, responder respond) {
        const int id = frame.correlation_id();
        if (id % 2 == 0) return respond.send(answer(id, 300'000));
        asio::post(s.context,
                   [id, respond = std::move(respond)]() mutable { respond.send(answer(id, 300'000)); });
    });
    s.link.send(requests(1, 40));
    s.link.end_of_requests();
    s.reads = 0; // the peer waits before it reads
    s.run_for(20ms);
    CHECK_FALSE(s.report);
    s.reads = SIZE_MAX;
    REQUIRE(s.until([&] { return s.report && s.got.size() >= 40 * 300'008; }));
    CHECK((s.got == answers_text(1, 40, 300'000)));
    CHECK(s.report->why == serve_stop::end_of_stream);
}

TEMPLATE_TEST_CASE("a request without a response gets none", "", over_unix, over_memory) {
    served<TestType> s;
    s.start([&](const request_frame& frame, responder respond) {
        if (frame.correlation_id() % 2 == 0)
            respond.send_nothing();
        else
            respond.send(answer(frame.correlation_id()));
    });
    s.link.send(requests(1, 4));
    s.link.end_of_requests();
    REQUIRE(s.until_end());
    CHECK(s.got == answer_text(1) + answer_text(3));
    CHECK(s.report->answers == 4);
}

TEMPLATE_TEST_CASE("many answers leave with few writes, and many requests come with few reads", "",
                   over_unix) {
    served<TestType> s;
    s.start(answer_at_once);
    s.link.send(requests(1, 64));
    s.run_for(1ms);
    s.link.end_of_requests();
    REQUIRE(s.until_end());
    CHECK(s.got == answers_text(1, 64));
    CHECK(s.report->writes == 1);
    CHECK(s.report->reads <= 4);
}

TEMPLATE_TEST_CASE("a peer that never reads is bounded by the high water mark, and gets all when it does", "",
                   over_unix, over_memory) {
    int live = 0, handled = 0, most = 0;
    served<TestType> s;
    s.options.water = {.high = 200'000, .low = 50'000};
    s.options.max_in_flight = GENERATE(1U, 8U);
    s.start([&](const request_frame& frame, responder respond) {
        ++handled;
        buffer_chain out;
        out.put_u32(4 + 10'000);
        out.put_u32(static_cast<std::uint32_t>(frame.correlation_id()));
        out.put_bytes(support::counted_bytes(std::string(10'000, 'p'), live));
        respond.send(std::move(out));
        most = std::max(most, live);
    });
    s.link.send(requests(1, 3000));
    s.reads = 0;
    s.run_for(50ms);
    CHECK(live >= 1);
    CHECK(live <= 21);
    CHECK(handled < 2500); // the rest is in the buffers of the system
    const int before = handled;
    s.run_for(20ms);
    CHECK(handled == before);
    s.reads = SIZE_MAX;
    s.link.end_of_requests();
    REQUIRE(s.until([&] { return s.report && s.got.size() >= 3000 * 10'008; }));
    CHECK((s.got == answers_text(1, 3000, 10'000)));
    CHECK(most <= 21);
    CHECK(live == 0);
}

TEMPLATE_TEST_CASE("not more bytes of requests are in flight than allowed, but one request may be larger", "",
                   over_unix, over_memory) {
    served<TestType> s;
    s.options.max_in_flight = 100;
    s.options.max_bytes_in_flight = 10'000;
    std::vector<std::pair<int, responder>> open;
    s.start([&](const request_frame& frame, responder respond) {
        open.emplace_back(frame.correlation_id(), std::move(respond));
    });
    s.link.send(requests(1, 20, 990)); // 1000 bytes each
    s.run_for(10ms);
    CHECK(open.size() == 10);
    std::exchange(open[0].second, responder()).send(answer(1));
    s.run_for(5ms);
    CHECK(open.size() == 11);
    for (int round = 0; round < 20; ++round) {
        for (std::size_t i = 0; i < open.size(); ++i)
            std::exchange(open[i].second, responder()).send(answer(open[i].first));
        s.run_for(2ms);
    }
    CHECK(s.got == answers_text(1, 20));
    open.clear();
    s.link.send(request(21, 50'000) + request(22));
    REQUIRE(s.until([&] { return open.size() == 1; }));
    s.run_for(5ms);
    CHECK(open.size() == 1);
    std::exchange(open[0].second, responder()).send(answer(21));
    REQUIRE(s.until([&] { return open.size() == 2; }));
}

TEMPLATE_TEST_CASE("each deadline ends the connection, and says which it was", "", over_unix, over_memory) {
    served<TestType> s;
    s.options.patience = {.first_request = 10s, .idle = 10s, .read = 10s, .write = 10s};
    const auto ends_with_part = [&](const std::string& front, const std::string& back) {
        REQUIRE(s.until_end());
        CHECK(s.report->why == serve_stop::silent);
        CAPTURE(s.report->reason);
        CHECK(s.report->reason.starts_with(front));
        CHECK(s.report->reason.ends_with(back));
        CHECK_FALSE(s.report->code);
    };
    const auto ends_with = [&](const std::string& reason) {
        ends_with_part(reason, "");
        CHECK(s.report->reason == reason);
    };
    SECTION("no first request") {
        s.options.patience.first_request = 30ms;
        s.start(answer_at_once);
        ends_with("no request within 0.03 s");
    }
    SECTION("nothing after a request") {
        s.options.patience.idle = 30ms;
        s.start(answer_at_once);
        s.link.send(request(1));
        ends_with("idle for 0.03 s");
        CHECK(s.got == answer_text(1));
    }
    SECTION("half a length") {
        s.options.patience.read = 40ms;
        s.start(answer_at_once);
        s.link.send(request(1).substr(0, 2));
        ends_with("it sent 2 of 4 bytes of a length, and none for 0.04 s");
    }
    SECTION("half a request after another") {
        s.options.patience.read = 40ms;
        s.start(answer_at_once);
        s.link.send(request(1) + request(2).substr(0, 9));
        ends_with("it sent 5 of " + std::to_string(request(2).size() - 4) +
                  " bytes of a request, and none for 0.04 s");
        CHECK(s.got == answer_text(1));
    }
    SECTION("an answer that no one takes") {
        s.options.patience.write = 50ms;
        s.reads = 0;
        s.start([](const request_frame& frame, responder respond) {
            respond.send(answer(frame.correlation_id(), 20'000'000));
        });
        s.link.send(request(1));
        ends_with_part("it took ", " of 20000008 bytes of an answer, and none for 0.05 s");
        CHECK(s.report->bytes_out > 0);
        CHECK(s.report->bytes_out < 20'000'008);
    }
    SECTION("an answer that a peer which closed its side does not take") {
        s.options.patience.write = 50ms;
        s.reads = 0;
        s.start([](const request_frame& frame, responder respond) {
            respond.send(answer(frame.correlation_id(), 20'000'000));
        });
        s.link.send(request(1));
        s.link.end_of_requests();
        ends_with_part("it took ", " of 20000008 bytes of an answer, and none for 0.05 s");
    }
}

TEMPLATE_TEST_CASE("a peer that is slow but steady is not cut", "", over_unix, over_memory) {
    served<TestType> s;
    // Long enough for a test that has to wait for a processor, and is not steady then.
    s.options.patience = {.first_request = 1s, .idle = 1s, .read = 1s, .write = 1s};
    s.start([](const request_frame& frame, responder respond) {
        respond.send(answer(frame.correlation_id(), 2'000'000));
    });
    SECTION("as it sends") {
        for (const char c : request(1, 10).substr(0, 23)) {
            s.link.send(std::string(1, c));
            s.run_for(60ms);
            REQUIRE_FALSE(s.report);
        }
    }
    SECTION("as it reads") {
        s.link.send(request(1));
        for (int i = 0; i < 25; ++i) {
            s.reads = 50'000;
            s.run_for(60ms);
            REQUIRE_FALSE(s.report);
        }
        CHECK(s.got.size() > 100'000);
    }
    SECTION("between requests") {
        s.reads = SIZE_MAX;
        for (int i = 1; i < 8; ++i) {
            s.link.send(request(i));
            s.run_for(200ms);
            REQUIRE_FALSE(s.report);
        }
    }
}

TEST_CASE("a handler may take longer than any deadline") {
    served<over_unix> s;
    s.options.patience = {.first_request = 20ms, .idle = 20ms, .read = 20ms, .write = 20ms};
    std::optional<responder> open;
    s.start([&](const request_frame&, responder respond) { open.emplace(std::move(respond)); });
    s.link.send(request(1));
    s.run_for(200ms);
    REQUIRE_FALSE(s.report);
    open->send(answer(1));
    REQUIRE(s.until([&] { return s.got == answer_text(1); }));
}

TEST_CASE("the longest deadlines never pass") {
    served<over_unix> s;
    constexpr auto never = std::chrono::milliseconds::max();
    s.options.patience = {.first_request = never, .idle = never, .read = never, .write = never};
    s.start(answer_at_once);
    s.run_for(1200ms); // longer than the timer waits
    s.link.send(request(1) + "\0");
    REQUIRE(s.until([&] { return s.got == answer_text(1); }));
    s.run_for(1200ms);
    CHECK_FALSE(s.report);
}

TEMPLATE_TEST_CASE("bytes that are no requests are refused, after the answers to what came before", "",
                   over_unix, over_memory) {
    served<TestType> s;
    std::optional<responder> open;
    s.start([&](const request_frame&, responder respond) { open.emplace(std::move(respond)); });
    SECTION("HTTP") {
        s.link.send("GET / HTTP/1.1\r\n\r\n");
        REQUIRE(s.until_end());
        CHECK(s.report->refusal.value() == kwire::errc::not_a_kafka_peer);
        CHECK(s.report->reason == "HTTP request: not_a_kafka_peer at byte 0");
        CHECK(s.report->requests == 0);
    }
    SECTION("TLS") {
        s.link.send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + std::string(506, 'r'));
        REQUIRE(s.until_end());
        CHECK(s.report->refusal.value() == kwire::errc::not_a_kafka_peer);
    }
    SECTION("a length that is too large, with an answer that is still to come") {
        s.link.send(request(1) + "\x7f\xff\xff\xff");
        s.run_for(10ms);
        REQUIRE(open);
        open->send(answer(1));
        REQUIRE(s.until_end());
        CHECK(s.report->refusal.value() == kwire::errc::frame_too_large);
        CHECK(s.got == answer_text(1));
    }
    SECTION("a header that is cut short") {
        s.link.send(number(9) + request(1).substr(4, 9));
        REQUIRE(s.until_end());
        CHECK(s.report->refusal.value() == kwire::errc::truncated);
    }
    SECTION("an end inside a request") {
        s.link.send(request(1).substr(0, 10));
        s.link.end_of_requests();
        REQUIRE(s.until_end());
        CHECK(s.report->refusal.value() == kwire::errc::truncated);
    }
    CHECK(s.report->why == serve_stop::refused);
}

TEMPLATE_TEST_CASE("a handler that throws ends the connection with what it says", "", over_unix,
                   over_memory) {
    served<TestType> s;
    s.options.max_in_flight = 3;
    SECTION("an exception") {
        s.start([](const request_frame& frame, responder respond) {
            if (frame.correlation_id() == 2) throw std::runtime_error("the handler's own words");
            respond.send(answer(1, 300'000));
        });
        s.link.send(requests(1, 3));
        REQUIRE(s.until_end());
        CHECK(s.report->reason == "the handler's own words");
    }
    SECTION("something else") {
        s.start([](const request_frame& frame, responder respond) {
            if (frame.correlation_id() == 2) throw 7;
            respond.send(answer(1, 300'000));
        });
        s.link.send(requests(1, 3));
        REQUIRE(s.until_end());
        CHECK(s.report->reason == "a handler failed");
    }
    CHECK(s.report->why == serve_stop::hung_up);
    CHECK(s.report->requests == 2);
    CHECK((s.got == answer_text(1, 300'000)));
}

TEMPLATE_TEST_CASE(
    "a responder that is lost, or hangs up, ends the connection after earlier answers are sent", "",
    over_unix, over_memory) {
    served<TestType> s;
    s.options.max_in_flight = 2;
    std::vector<responder> open;
    s.start([&](const request_frame&, responder respond) { open.push_back(std::move(respond)); });
    s.link.send(requests(1, 2));
    REQUIRE(s.until([&] { return open.size() == 2; }));
    s.reads = 0;
    open[0].send(answer(1, 900'000)); // below the high water mark: the next request is read for
    s.run_for(5ms);
    const bool lost = GENERATE(true, false);
    if (lost)
        open.pop_back();
    else
        open[1].hang_up("enough");
    s.run_for(10ms);
    s.reads = SIZE_MAX;
    REQUIRE(s.until_end());
    CHECK(s.report->why == serve_stop::hung_up);
    CHECK(s.report->reason == (lost ? "a request was not answered" : "enough"));
    CHECK((s.got == answer_text(1, 900'000)));
    CHECK_FALSE(s.report->code);
}

TEST_CASE("a responder that is dropped by its handler ends the connection at once") {
    served<over_unix> s;
    s.start([](const request_frame& frame, responder respond) {
        if (frame.correlation_id() == 1) respond.send(answer(1));
    });
    s.link.send(requests(1, 3));
    REQUIRE(s.until_end());
    CHECK(s.report->why == serve_stop::hung_up);
    CHECK(s.report->reason == "a request was not answered");
    CHECK(s.report->requests == 2);
    CHECK(s.got == answer_text(1));
}

TEST_CASE("responders can be moved, and the one that is overwritten is lost") {
    responder none;
    none.send(answer(1));
    none.hang_up("");
    CHECK_FALSE(none.peer_has_left());
    none.on_peer_left([] { FAIL("there is no peer"); });
    served<over_unix> s;
    s.options.max_in_flight = 2;
    std::optional<responder> open;
    s.start([&](const request_frame&, responder respond) {
        if (!open)
            open.emplace(std::move(respond));
        else
            *open = std::move(respond);
    });
    s.link.send(requests(1, 2));
    REQUIRE(s.until_end());
    CHECK(s.report->why == serve_stop::hung_up);
    CHECK(s.report->requests == 2);
}

TEMPLATE_TEST_CASE("a peer that leaves is told to those who wait, once, and not after the answer", "",
                   over_unix, over_memory) {
    served<TestType> s;
    s.options.max_in_flight = 4;
    std::vector<int> calls;
    std::vector<responder> open;
    s.start([&](const request_frame& frame, responder respond) {
        const int id = frame.correlation_id();
        respond.on_peer_left([&calls] { calls.push_back(-1); }); // is replaced
        respond.on_peer_left([&calls, id] { calls.push_back(id); });
        CHECK_FALSE(respond.peer_has_left());
        open.push_back(std::move(respond));
    });
    s.link.send(requests(1, 3));
    REQUIRE(s.until([&] { return open.size() == 3; }));
    open[1].send(answer(2));
    s.run_for(5ms);
    CHECK(calls.empty());
    s.link.end_of_requests();
    REQUIRE(s.until([&] { return calls.size() == 2; }));
    CHECK(calls == std::vector{1, 3});
    CHECK(open[0].peer_has_left());
    int late = 0;
    open[0].on_peer_left([&] { ++late; }); // has happened
    CHECK(late == 1);
    open[2].send(answer(3));
    open[0].send(answer(1));
    REQUIRE(s.until_end());
    CHECK(s.got == answers_text(1, 3));
    CHECK(calls.size() == 2);
    CHECK(s.report->why == serve_stop::end_of_stream);
}

TEST_CASE("who is told that the peer left may answer, or hang up") {
    served<over_unix> s;
    const bool answers = GENERATE(true, false);
    s.start([&](const request_frame&, responder respond) {
        const auto kept = std::make_shared<responder>(std::move(respond));
        kept->on_peer_left([kept, answers] {
            if (answers)
                kept->send(answer(1));
            else
                kept->hang_up("the peer has left");
        });
    });
    s.link.send(request(1));
    s.run_for(5ms);
    s.link.end_of_requests();
    REQUIRE(s.until_end());
    CHECK(s.got == (answers ? answer_text(1) : ""));
    CHECK(s.report->why == serve_stop::end_of_stream);
}

TEMPLATE_TEST_CASE("a connection that fails says with which code", "", over_tcp, over_unix, over_memory) {
    served<TestType> s;
    s.options.max_in_flight = 2;
    std::vector<responder> open;
    s.start([&](const request_frame&, responder respond) { open.push_back(std::move(respond)); });
    s.link.send(requests(1, 2));
    REQUIRE(s.until([&] { return open.size() == 2; }));
    open[0].send(answer(1, 5'000'000));
    s.reads = 0;
    s.run_for(5ms);
    s.link.close();
    REQUIRE(s.until_end());
    CHECK(s.report->why == serve_stop::failed);
    CHECK((s.report->code == asio::error::broken_pipe || s.report->code == asio::error::connection_reset));
    CHECK(s.report->reason == s.report->code.message());
    CHECK(open[1].peer_has_left());
    open[1].send(answer(2)); // has no effect
}

TEMPLATE_TEST_CASE("cancellation ends a connection in whatever state it is", "", over_unix, over_memory) {
    served<TestType> s;
    s.options.max_in_flight = 2;
    std::vector<responder> open;
    s.start([&](const request_frame& frame, responder respond) {
        if (frame.correlation_id() == 99) return s.cancel.emit(asio::cancellation_type::total);
        open.push_back(std::move(respond));
    });
    SECTION("not yet begun") {}
    SECTION("waiting for a request") { s.run_for(3ms); }
    SECTION("inside a request") {
        s.link.send(request(1).substr(0, 7));
        s.run_for(3ms);
    }
    SECTION("waiting for a handler") {
        s.link.send(requests(1, 3));
        s.run_for(3ms);
        CHECK(open.size() == 2);
    }
    SECTION("waiting for the peer to read") {
        s.link.send(requests(1, 1));
        s.run_for(3ms);
        s.reads = 0;
        REQUIRE(open.size() == 1);
        open[0].send(answer(1, 5'000'000));
        s.run_for(3ms);
    }
    SECTION("by the handler") {
        s.link.send(request(99));
        REQUIRE(s.until_end());
    }
    s.cancel.emit(asio::cancellation_type::total);
    s.cancel.emit(asio::cancellation_type::total);
    REQUIRE(s.until_end());
    CHECK(s.report->why == serve_stop::cancelled);
    CHECK(s.report->code == asio::error::operation_aborted);
    s.cancel.emit(asio::cancellation_type::total); // is over
    for (responder& each : open) each.send(answer(1));
    s.run_for(3ms);
}

TEMPLATE_TEST_CASE(
    "a context that is destroyed with everything in flight leaves nothing, and responders may outlive it", "",
    over_tcp, over_unix, over_memory, over_pipes) {
    int live = 0;
    std::vector<responder> open;
    const auto with = [&](auto&& act) {
        served<TestType> s;
        s.options.max_in_flight = 8;
        s.reads = 0;
        const auto timer = std::make_shared<asio::steady_timer>(s.context, 1h);
        s.start([&open, &live, timer, counted = support::counted("handler", live)](const request_frame& frame,
                                                                                   responder respond) {
            const auto kept = std::make_shared<responder>(std::move(respond));
            switch (frame.correlation_id()) {
            case 1:
                kept->send(
                    buffer_chain::from_bytes(support::counted_bytes(std::string(3'000'000, 'x'), live)));
                break;
            case 2: open.push_back(std::move(*kept)); break;
            case 3: kept->on_peer_left([kept] { kept->hang_up(""); }); break; // keeps itself
            case 4: timer->async_wait([kept, other = support::counted("timer", live)](error_code) {}); break;
            default: asio::post(timer->get_executor(), [kept] {}); break; // is lost while it runs
            }
        });
        act(s);
    };
    const int last = GENERATE(0, 1, 2, 3, 4, 5);
    const std::size_t cut = GENERATE(0U, 5U);
    with([&](auto& s) {
        s.link.send(requests(1, last) + request(9).substr(0, cut));
        s.until([&] { return false; }, 3ms);
    });
    CHECK(live == 0);
    for (responder& each : open) {
        CHECK(each.peer_has_left());
        int calls = 0;
        each.on_peer_left([&] { ++calls; });
        CHECK(calls == 1);
        each.send(answer(2));
    }
    open.clear();
}

TEST_CASE("a responder of a connection that has ended has no effect") {
    std::vector<responder> open;
    {
        served<over_unix> s;
        s.options.max_in_flight = 3;
        s.start([&](const request_frame&, responder respond) { open.push_back(std::move(respond)); });
        s.link.send(requests(1, 3));
        REQUIRE(s.until([&] { return open.size() == 3; }));
        s.cancel.emit(asio::cancellation_type::total);
        REQUIRE(s.until_end());
        open[0].send(answer(1));
        open.erase(open.begin());
        CHECK(open[0].peer_has_left());
        CHECK(s.got.empty());
    }
    open[0].hang_up("too late");
}

TEST_CASE("a peer that floods one connection does not stop the others") {
    asio::io_context context;
    over_unix flooded(context), calm(context);
    std::size_t handled = 0;
    bool answered = false;
    serve_options options;
    kwire::async_serve(flooded.stream, any_handler([&](const request_frame&, responder respond) {
                           ++handled;
                           respond.send_nothing();
                           flooded.push();
                           if (flooded.to_send.size() < 1'000'000 && handled < 3'000'000)
                               flooded.send(requests(1, 10'000));
                           if (handled >= 3'000'000) context.stop();
                       }),
                       options, any_completion([](const serve_report&) {}));
    kwire::async_serve(calm.stream, any_handler([&](const request_frame& frame, responder respond) {
                           respond.send(answer(frame.correlation_id()));
                           answered = true;
                           context.stop();
                       }),
                       options, any_completion([](const serve_report&) {}));
    context.poll();
    flooded.send(requests(1, 10'000));
    calm.send(request(1));
    context.restart();
    context.run();
    CHECK(answered);
    CHECK(handled < 1'000'000);
}

// Completion tokens.

TEST_CASE("coroutines fill, flush and serve") {
    asio::io_context context;
    over_tcp client(context), link(context);
    std::optional<serve_report> report;
    std::string got;
    asio::co_spawn(
        context,
        [&]() -> asio::awaitable<void> {
            report = co_await kwire::async_serve(link.stream, any_handler(answer_at_once), serve_options{},
                                                 asio::use_awaitable);
        },
        asio::detached);
    asio::co_spawn(
        context,
        [&]() -> asio::awaitable<void> {
            kwire::outbox out;
            out.push(shared_buffer::adopt(requests(1, 100)));
            co_await kwire::async_flush(link.far, out, asio::use_awaitable);
            kwire::response_reader reader;
            while (got.size() < 800) {
                co_await kwire::async_fill(link.far, reader, asio::use_awaitable);
                while (auto frame = reader.next().value())
                    got += number(static_cast<std::uint32_t>(frame->size())) +
                           std::string(reinterpret_cast<const char*>(frame->begin()), frame->size());
            }
            link.far.close();
        },
        [](std::exception_ptr failure) { CHECK(failure == nullptr); });
    context.run();
    CHECK(got == answers_text(1, 100));
    REQUIRE(report);
    CHECK(report->why == serve_stop::end_of_stream);
}

TEST_CASE("futures and deferred operations fill, flush and serve") {
    asio::io_context context;
    over_unix link(context);
    auto later =
        kwire::async_serve(link.stream, any_handler(answer_at_once), serve_options{}, asio::deferred);
    std::future<serve_report> report = std::move(later)(asio::use_future);
    kwire::outbox out;
    out.push(shared_buffer::adopt(requests(1, 2)));
    kwire::response_reader reader;
    {
        auto work = asio::make_work_guard(context);
        std::thread runs([&] { context.run(); });
        kwire::async_flush(link.far, out, asio::use_future).get();
        kwire::async_fill(link.far, reader, asio::use_future).get();
        CHECK(reader.next().value().value().size() == 4);
        auto fill = kwire::async_fill(link.far, reader, asio::deferred);
        std::move(fill)(asio::use_future).get();
        CHECK(reader.next().value().value().size() == 4);
        auto flush = kwire::async_flush(link.far, out, asio::deferred);
        std::move(flush)(asio::use_future).get();
        asio::post(context, [&] { link.far.close(); });
        CHECK(report.get().answers == 2);
        work.reset();
        runs.join();
    }
}

TEST_CASE("answers may come from other threads by way of the connection's strand") {
    asio::thread_pool io(2), workers(3);
    using socket = asio::ip::tcp::socket;
    asio::ip::tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    constexpr int connections = 4, count = 500;
    std::vector<std::unique_ptr<socket>> near;
    std::vector<std::future<serve_report>> reports;
    std::vector<std::thread> peers;
    std::vector<std::string> got(connections);
    serve_options options;
    options.max_in_flight = 16;
    for (int i = 0; i < connections; ++i) {
        peers.emplace_back([&got, i, to = acceptor.local_endpoint()] {
            asio::io_context context;
            socket far(context);
            far.connect(to);
            std::thread writes([&] { asio::write(far, asio::buffer(requests(1, count))); });
            error_code ec;
            std::string bytes(answers_text(1, count, 10).size(), '\0');
            asio::read(far, asio::buffer(bytes), ec);
            writes.join();
            got[static_cast<std::size_t>(i)] = ec ? ec.message() : bytes;
        });
        near.push_back(std::make_unique<socket>(asio::make_strand(io)));
        acceptor.accept(*near.back());
        socket& stream = *near.back();
        std::promise<serve_report> promise;
        reports.push_back(promise.get_future());
        asio::post(stream.get_executor(),
                   [&stream, &workers, options, promise = std::move(promise)]() mutable {
                       kwire::async_serve(
                           stream,
                           [&stream, &workers](request_frame frame, responder respond) {
                               asio::post(workers, [&stream, frame = std::move(frame),
                                                    respond = std::move(respond)]() mutable {
                                   auto out = answer(frame.correlation_id(), 10); // made on this thread
                                   asio::post(stream.get_executor(),
                                              [out = std::move(out), respond = std::move(respond)]() mutable {
                                                  respond.send(std::move(out));
                                              });
                               });
                           },
                           options,
                           [promise = std::move(promise)](serve_report report) mutable {
                               promise.set_value(std::move(report));
                           });
                   });
    }
    for (std::thread& each : peers) each.join();
    for (std::future<serve_report>& each : reports) {
        const serve_report report = each.get();
        CHECK(report.why == serve_stop::end_of_stream);
        CHECK(report.answers == count);
    }
    for (const std::string& each : got) CHECK(each == answers_text(1, count, 10));
    workers.join();
    io.join();
}

TEST_CASE("an answer that is being written lives until that has ended, whatever fails meanwhile") {
    served<over_memory> s;
    s.options.max_in_flight = 3;
    s.reads = 0;
    std::vector<responder> open;
    s.start([&](const request_frame&, responder respond) { open.push_back(std::move(respond)); });
    s.link.send(requests(1, 3));
    REQUIRE(s.until([&] { return open.size() == 3; }));
    open[0].send(answer(1, 500'000));
    REQUIRE(s.until([&] { return s.link.stream.room == 0; }));
    s.link.stream.deaf = GENERATE(false, true);
    SECTION("the stream, in its other direction") {
        s.link.stream.fail_reads(asio::error::connection_reset);
        s.run_for(3ms);
        open[1].send(answer(2)); // is not mixed into what is written
        static_cast<void>(s.link.stream.take_written());
        REQUIRE(s.until_end());
        CHECK(s.report->why == serve_stop::failed);
        CHECK(s.report->code == asio::error::connection_reset);
    }
    SECTION("the caller's patience") {
        s.cancel.emit(asio::cancellation_type::total);
        static_cast<void>(s.link.stream.take_written());
        s.link.send("x"); // so that a read ends that is not cancelled
        REQUIRE(s.until_end());
        CHECK(s.report->why == serve_stop::cancelled);
    }
    CHECK(s.link.stream.written.find(number(2)) == std::string::npos);
}

TEST_CASE("a connection whose read ended as it was cancelled reads no more") {
    served<over_memory> s;
    s.link.stream.deaf = true;
    std::optional<responder> open;
    s.options.max_in_flight = 2;
    s.start([&](const request_frame&, responder respond) { open = std::move(respond); });
    s.link.send(request(1));
    REQUIRE(s.until([&] { return open.has_value(); }));
    s.run_for(3ms);
    s.link.send("x"); // a part of a request
    open->hang_up("enough");
    REQUIRE(s.until([&] { return s.report.has_value(); }));
    CHECK(s.report->reason == "enough");
}

TEMPLATE_TEST_CASE("a peer that sends but does not take its answers is cut", "", over_unix, over_memory) {
    served<TestType> s;
    s.options.patience.write = 60ms;
    s.options.water.high = 10'000'000;
    s.reads = 0;
    s.start([&](const request_frame& frame, responder respond) {
        respond.send(answer(frame.correlation_id(), 3'000'000));
    });
    s.link.send(request(1));
    const std::string next = request(2, 100'000);
    for (std::size_t i = 0; i < 300 && !s.report; ++i) {
        s.link.send(next.substr(i, 1));
        s.run_for(3ms);
    }
    REQUIRE(s.report);
    CHECK(s.report->why == serve_stop::silent);
    CHECK(s.report->reason.starts_with("it took "));
}

TEMPLATE_TEST_CASE("a streamed payload whose function throws ends its connection only", "", over_unix,
                   over_memory) {
    served<TestType> s;
    const unsigned good = GENERATE(0U, 3U);
    s.start([&](const request_frame& frame, responder respond) {
        buffer_chain out;
        out.put_u32(10'000'004);
        out.put_u32(static_cast<std::uint32_t>(frame.correlation_id()));
        out.put_bytes(kwire::streamed_bytes(10'000'000, [good, n = 0U](std::size_t most) mutable {
            if (n++ == good) throw std::runtime_error("the disk is gone");
            return shared_buffer::adopt(std::string(most, 'x'));
        }));
        respond.send(std::move(out));
    });
    s.link.send(request(1));
    REQUIRE(s.until_end());
    CHECK(s.report->why == serve_stop::failed);
    CHECK(s.report->code == error_code(EIO, boost::system::system_category()));
}

TEST_CASE("who is told that the peer left is not told after it has given up, nor brings others down") {
    served<over_unix> s;
    s.options.max_in_flight = 4;
    std::vector<responder> open;
    s.start([&](const request_frame&, responder respond) { open.push_back(std::move(respond)); });
    s.link.send(requests(1, 4));
    REQUIRE(s.until([&] { return open.size() == 4; }));
    int calls = 0;
    SECTION("by dropping its responder") {
        open[0].on_peer_left([&] { ++calls; });
        const responder dropped = std::exchange(open[0], responder());
    }
    SECTION("by hanging up") {
        open[0].on_peer_left([&] { ++calls; });
        open[0].hang_up("");
    }
    SECTION("with a function that throws") {
        open[0].on_peer_left([] { throw std::runtime_error("no"); });
        s.link.end_of_requests();
    }
    SECTION("with a function that owns the next one") {
        for (std::size_t i = 4; i-- > 1;)
            open[i - 1].on_peer_left(
                [&, next = std::make_shared<responder>(std::move(open[i]))] { ++calls; });
        open[0].send(answer(1)); // all others are lost
    }
    REQUIRE(s.until_end());
    CHECK(calls == 0);
}

TEST_CASE("who waits for the budget of all connections is not silent") {
    const auto budget = std::make_shared<kwire::serve_budget>(1, 1'000'000);
    served<over_unix> first, second;
    first.options.budget = second.options.budget = budget;
    second.options.patience.first_request = second.options.patience.idle = 40ms;
    std::optional<responder> open;
    first.start([&](const request_frame&, responder respond) { open = std::move(respond); });
    first.link.send(request(1));
    REQUIRE(first.until([&] { return open.has_value(); }));
    second.start(answer_at_once);
    second.link.send(request(2));
    second.run_for(200ms);
    CHECK_FALSE(second.report);
    open->send(answer(1));
    REQUIRE(second.until([&] { return second.got == answer_text(2); }));
}
