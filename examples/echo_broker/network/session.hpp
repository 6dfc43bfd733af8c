// A connection over any stream: authentication if the broker asks for it, then kwire::async_serve with the
// broker as its handler.
#pragma once

#include <kwire/asio.hpp>
#include <kwire/connect/limits.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "echo_broker/broker.hpp"
#include "echo_broker/network/deadline.hpp"
#include "echo_broker/network/sasl.hpp"
#include "echo_broker/report.hpp"

namespace echo_broker {

namespace detail {

inline constexpr auto quiet = boost::asio::as_tuple(boost::asio::use_awaitable); // errors as values

/// How long a client may take for what comes before its first request.
inline std::chrono::seconds first_patience(const options& chosen) {
    return std::min(std::chrono::seconds(10), chosen.idle_after);
}

/// One request of a connection at a time, as Kafka: it answers in the order in which it works.
inline kwire::serve_options serving(const options& chosen) {
    kwire::serve_options out;
    out.patience = {.first_request = first_patience(chosen),
                    .idle = chosen.idle_after,
                    .read = chosen.stall_after,
                    .write = chosen.stall_after};
    return out;
}

/// What the log says of bytes that are not requests.
inline std::string refusal(const kwire::error& why) {
    std::string out = kwire::to_string(why);
    if (why.code == kwire::errc::not_a_kafka_peer && why.message.starts_with("TLS"))
        out += "; this broker runs without --tls";
    return out;
}

/// Says why a connection has ended, unless that is usual.
void report_end(const broker& here, const client& from, const kwire::serve_report& end);

// GCC 12 inlines the allocation of this coroutine, and then takes its deallocation for a wrong one.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif
/// Whether the client says who it is. Reads no byte beyond that.
template <class Stream>
boost::asio::awaitable<bool> authenticate(Stream& stream, boost::asio::ip::tcp::socket& socket, broker& here,
                                          const client& from) {
    const std::chrono::seconds patience = first_patience(here.chosen);
    const deadline bound(here.timers, socket, patience);
    kwire::frame_limits small = kwire::limits{}.before_authentication().frames();
    small.read_ahead_bytes = 0; // what follows is for async_serve
    kwire::request_reader reader(small);
    kwire::outbox out;
    sasl_exchange exchange(here, from);
    for (;;) {
        auto [failure, frame] = co_await kwire::async_read_frame(stream, reader, quiet);
        if (failure) {
            const auto refused = reader.end_of_stream();
            if (bound.passed())
                report(from.address,
                       "closed: not authenticated within " + std::to_string(patience.count()) + " s");
            else if (refused && !here.stopping && failure.category() == kwire::error_category())
                report(from.address, refusal(*refused));
            co_return false;
        }
        sasl_step step = exchange.take(std::move(frame));
        if (!step.why.empty()) report(from.address, step.why);
        if (step.delay.count() != 0) {
            boost::asio::steady_timer pause(from.executor, step.delay);
            co_await pause.async_wait(quiet);
        }
        if (!step.answer.empty()) {
            out.push(std::move(step.answer));
            const auto [not_sent] = co_await kwire::async_flush(stream, out, quiet);
            if (not_sent) co_return false;
        }
        if (step.then != sasl_step::next::wait) co_return step.then == sasl_step::next::serve;
    }
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

template <class Stream, class Metrics>
boost::asio::awaitable<void> serve_requests(Stream& stream, broker& here, client& from, Metrics& metrics) {
    const kwire::serve_report end = co_await kwire::async_serve(
        stream,
        [&](kwire::request_frame request, kwire::responder to) {
            here.answer(std::move(request), from, std::move(to));
        },
        serving(here.chosen), metrics, boost::asio::use_awaitable);
    here.count(end);
    report_end(here, from, end);
}

} // namespace detail

/// Serves a client until one side ends it. `socket` is what `stream` is based on, or the same.
template <class Stream>
boost::asio::awaitable<void> serve_session(Stream& stream, boost::asio::ip::tcp::socket& socket, broker& here,
                                           client& from) {
    if (!here.chosen.users.empty() && !co_await detail::authenticate(stream, socket, here, from)) co_return;
    if (here.chosen.metrics_port) {
        co_await detail::serve_requests(stream, here, from, here.metrics);
    } else {
        static constinit kwire::no_metrics none;
        co_await detail::serve_requests(stream, here, from, none);
    }
}

} // namespace echo_broker
