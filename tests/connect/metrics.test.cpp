#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/connect/counting_metrics.hpp>
#include <kwire/connect/metrics.hpp>

#include <chrono>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "catch.hpp"

using kwire::api_key;
using kwire::counting_metrics;
using kwire::deadline;
using kwire::errc;
using namespace std::chrono_literals;

namespace {

/// Keeps what it is told.
struct noting_sink {
    std::vector<kwire::request_event> requests;
    std::vector<kwire::answer_event> answers;
    std::vector<kwire::traffic_event> traffic;
    std::vector<errc> refusals;
    std::vector<deadline> timeouts;

    void requested(const kwire::request_event& request) noexcept { requests.push_back(request); }
    void answered(const kwire::answer_event& answer) noexcept { answers.push_back(answer); }
    void progressed(const kwire::traffic_event& some) noexcept { traffic.push_back(some); }
    void refused(errc why) noexcept { refusals.push_back(why); }
    void timed_out(deadline which) noexcept { timeouts.push_back(which); }
};

struct sink_that_throws : noting_sink {
    void refused(errc why) { refusals.push_back(why); }
};

static_assert(kwire::metrics_sink<kwire::no_metrics>);
static_assert(kwire::metrics_sink<counting_metrics>);
static_assert(kwire::metrics_sink<noting_sink>);
static_assert(!kwire::metrics_sink<sink_that_throws>);
static_assert(std::is_empty_v<kwire::connection_meter<kwire::no_metrics>>);
static_assert(sizeof(counting_metrics) < 24 * 1024);

kwire::shared_buffer frame_of(std::size_t size) {
    std::string bytes(4, '\0');
    kwire::wire::store_be(std::as_writable_bytes(std::span(bytes)).data(), static_cast<std::uint32_t>(size));
    return kwire::shared_buffer::copy_of(bytes + std::string(size, '\0'));
}

} // namespace

TEST_CASE("a histogram counts each value in the first bucket whose bound is not below it") {
    using histogram = kwire::power_histogram<2, 6>;
    STATIC_REQUIRE(histogram::bounds == 5);
    for (std::uint64_t value = 0; value < 200; ++value) {
        std::size_t expected = 0;
        while (expected < histogram::bounds && value > histogram::bound(expected)) ++expected;
        CHECK(histogram::bucket_of(value) == expected);
    }
    CHECK(histogram::bound(0) == 4);
    CHECK(histogram::bound(4) == 64);
    CHECK(histogram::bucket_of(UINT64_MAX) == 5);
    CHECK(kwire::power_histogram<0, 1>::bucket_of(0) == 0);

    histogram h;
    h.add(5, 5000);
    h.add(8, 8000);
    h.add(65, 1);
    CHECK(h.load().counts == std::array<std::uint64_t, 6>{0, 2, 0, 0, 0, 1});
    CHECK(h.load().sum == 13001);
    CHECK(h.load().count() == 3);
}

TEST_CASE("requests and answers are counted by size, and latencies by API") {
    counting_metrics counted;
    counted.requested({.api = api_key::fetch, .version = 12, .bytes = 100});
    counted.answered({.request = {.api = api_key::fetch}, .bytes = 70'000, .took = 2500ns});
    counted.answered({.request = {.api = api_key::fetch}, .bytes = 0, .took = 1us});

    CHECK(counted.request_sizes().count() == 1);
    CHECK(counted.request_sizes().sum == 100);
    CHECK(counted.answer_sizes().count() == 1); // not of what has no answer
    CHECK(counted.answer_sizes().sum == 70'000);
    const auto fetch = counted.latency(api_key::fetch);
    CHECK(fetch.count() == 2);
    CHECK(fetch.sum == 3500);
    CHECK(fetch.counts[0] == 1); // at most 1 us
    CHECK(fetch.counts[2] == 1); // 2.5 us are above 2 us, at most 4 us
    CHECK(counted.latency(api_key::produce).count() == 0);
}

TEST_CASE("a clock that goes back counts as no time") {
    counting_metrics counted;
    counted.answered({.took = -5ns});
    CHECK(counted.latency(api_key::produce).count() == 1);
    CHECK(counted.latency(api_key::produce).sum == 0);
}

TEST_CASE("numbers that Kafka has not assigned to an API share one place") {
    counting_metrics counted;
    for (const int number : {-1, -0x8000, 95, 0x7fff})
        counted.answered({.request = {.api = static_cast<api_key>(number)}, .took = 1us});
    CHECK(counted.latency(counting_metrics::api_count - 1).count() == 4);
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < counting_metrics::api_count; ++i) all += counted.latency(i).count();
    CHECK(all == 4);
}

TEST_CASE("refusals are counted by reason and timeouts by deadline, each apart") {
    counting_metrics counted;
    for (std::size_t i = 0; i < counting_metrics::reason_count; ++i)
        for (std::size_t n = 0; n <= i; ++n) counted.refused(static_cast<errc>(i));
    for (std::size_t i = 0; i < counting_metrics::reason_count; ++i) {
        CHECK(counted.refusals(static_cast<errc>(i)) == i + 1);
        CHECK(name_of(static_cast<errc>(i)) != "unknown");
    }
    CHECK(name_of(static_cast<errc>(counting_metrics::reason_count)) == "unknown"); // so there are no more
    counted.refused(static_cast<errc>(255));
    CHECK(counted.refusals(static_cast<errc>(255)) == 0);

    counted.timed_out(deadline::read);
    counted.timed_out(static_cast<deadline>(200));
    CHECK(counted.timeouts(deadline::read) == 1);
    CHECK(counted.timeouts(deadline::write) == 0);
    CHECK(name_of(deadline::write) == "write");
    CHECK(name_of(static_cast<deadline>(counting_metrics::deadline_count)) == "unknown");
}

TEST_CASE("what threads count at the same time is all counted") {
    counting_metrics counted;
    constexpr std::uint64_t each = 5000;
    {
        std::vector<std::thread> threads; // libc++ 19 has no jthread by default
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&] {
                for (std::uint64_t n = 0; n < each; ++n) {
                    counted.requested({.api = api_key::produce, .bytes = 16});
                    counted.answered({.request = {.api = api_key::produce}, .bytes = 32, .took = 1us});
                    counted.progressed({.reads = 1, .read_bytes = 2, .frames = 3, .allocations = 4});
                    counted.refused(errc::truncated);
                }
            });
        for (std::thread& thread : threads) thread.join();
    }
    CHECK(counted.request_sizes().count() == 4 * each);
    CHECK(counted.answer_sizes().sum == 4 * each * 32);
    CHECK(counted.latency(api_key::produce).sum == 4 * each * 1000);
    CHECK(counted.traffic().reads == 4 * each);
    CHECK(counted.traffic().read_bytes == 8 * each);
    CHECK(counted.traffic().frames == 12 * each);
    CHECK(counted.traffic().allocations == 16 * each);
    CHECK(counted.refusals(errc::truncated) == 4 * each);
}

TEST_CASE("a meter pairs each answer with its request, in whatever order they come") {
    noting_sink sink;
    kwire::connection_meter meter(sink);
    for (std::uint64_t ticket = 10; ticket < 15; ++ticket)
        meter.handed_over(ticket, static_cast<api_key>(ticket), 2, 100 + ticket);
    REQUIRE(sink.requests.size() == 5);
    CHECK(sink.requests[0].api == api_key::find_coordinator);
    CHECK(sink.requests[0].version == 2);
    CHECK(sink.requests[0].bytes == 114); // with the four of its length

    for (const std::uint64_t ticket : std::vector<std::uint64_t>{12, 10, 14, 11, 13})
        meter.answered(ticket, 1000 + ticket);
    REQUIRE(sink.answers.size() == 5);
    for (const auto& answer : sink.answers) {
        const auto ticket = static_cast<std::uint64_t>(answer.request.api);
        CHECK(answer.request.bytes == 104 + ticket);
        CHECK(answer.bytes == 1000 + ticket);
        CHECK(answer.took >= 0ns);
    }
}

TEST_CASE("a meter measures from handing over to the answer") {
    noting_sink sink;
    kwire::connection_meter meter(sink);
    meter.handed_over(0, api_key::fetch, 12, 8);
    meter.handed_over(1, api_key::fetch, 12, 8);
    meter.answered(1, 10);
    std::this_thread::sleep_for(5ms);
    meter.answered(0, 10);
    REQUIRE(sink.answers.size() == 2);
    CHECK(sink.answers[1].took >= 5ms);
    CHECK(sink.answers[1].took - sink.answers[0].took >= 5ms);
}

TEST_CASE("a meter ignores answers to requests that it does not know, and second ones") {
    noting_sink sink;
    kwire::connection_meter meter(sink);
    meter.answered(0, 1);
    meter.handed_over(3, api_key::fetch, 12, 8);
    meter.handed_over(7, api_key::fetch, 12, 8); // 4 to 6 were not noted
    meter.handed_over(8, api_key::fetch, 12, 8);
    for (const std::uint64_t ticket : std::vector<std::uint64_t>{2, 4, 5, 6, 9}) meter.answered(ticket, 1);
    CHECK(sink.answers.empty());
    meter.answered(8, 8);
    meter.answered(8, 8);
    meter.answered(7, 7);
    meter.answered(3, 3);
    meter.answered(3, 3);
    REQUIRE(sink.answers.size() == 3);
    CHECK(sink.answers[0].bytes == 8);
    CHECK(sink.answers[1].bytes == 7);
    CHECK(sink.answers[2].bytes == 3);
}

TEST_CASE("a meter tells what reader and outbox did since it told before") {
    noting_sink sink;
    kwire::connection_meter meter(sink);
    kwire::request_reader reader;
    kwire::outbox out;
    const auto receive = [&](const kwire::shared_buffer& bytes) {
        for (std::size_t at = 0; at < bytes.size();) {
            const auto room = reader.prepare();
            const std::size_t n = std::min(room.size(), bytes.size() - at);
            std::copy_n(bytes.data() + at, n, room.data());
            reader.commit(n);
            at += n;
        }
        REQUIRE(reader.next().value());
    };
    receive(frame_of(100));
    meter.progressed(reader, out);
    out.push(frame_of(50));
    out.sent(20);
    receive(frame_of(200'000));
    meter.progressed(reader, out);
    out.sent(34);
    meter.progressed(reader, out);

    REQUIRE(sink.traffic.size() == 3);
    CHECK(sink.traffic[0].frames == 1);
    CHECK(sink.traffic[0].read_bytes == 104);
    CHECK(sink.traffic[0].allocations == 1);
    CHECK(sink.traffic[0].moved_bytes == 0);
    CHECK(sink.traffic[1].frames == 1);
    CHECK(sink.traffic[1].read_bytes == 200'004);
    CHECK(sink.traffic[1].reads + sink.traffic[0].reads == reader.reads());
    CHECK(sink.traffic[1].moved_bytes == reader.moved_bytes());
    CHECK(sink.traffic[1].moved_bytes != 0); // it began in the memory of small ones
    CHECK(sink.traffic[1].allocations + 1 == reader.allocations());
    CHECK(sink.traffic[1].allocations >= 1);
    CHECK(sink.traffic[1].writes == 1);
    CHECK(sink.traffic[1].written_bytes == 20);
    CHECK(sink.traffic[2].reads == 0);
    CHECK(sink.traffic[2].written_bytes == 34);
}
