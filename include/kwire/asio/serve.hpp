/// Serves a connection: reads requests, hands them to a handler, and writes the answers in the order of the
/// requests, many with one write.
///
///     kwire::serve_report end = co_await kwire::async_serve(
///         socket, [&](kwire::request_frame request, kwire::responder answer) {
///             answer.send(answer_to(request)); // now, or later from anywhere on the executor
///         },
///         kwire::serve_options{}, use_awaitable);
#pragma once

#include <kwire/asio/detail/library.hpp>
#include <kwire/asio/detail/server.hpp>
#include <kwire/asio/responder.hpp>
#include <kwire/asio/serve_options.hpp>
#include <kwire/connect/frame.hpp>
#include <kwire/connect/metrics.hpp>

#include <concepts>
#include <memory>
#include <utility>

namespace kwire::inline KWIRE_ABI {

/// Serves `stream` until it ends, a peer misbehaves, a deadline passes or a handler hangs up; completes with
/// `void(serve_report)`, which says which of these it was. The stream is not closed.
///
/// `handler(request_frame, responder)` is called for each request in order. Not more than
/// options.max_in_flight of them wait for answers at a time, and no new ones are taken while more bytes of
/// answers wait than the high water mark. A handler may answer at once or later. Its exceptions end the
/// connection.
///
/// After the end of the stream what was asked is still answered and sent: the peer may have closed its side
/// only.
/// @pre `stream` outlives the operation, and its executor runs one thing at a time: a strand, or a context on
/// one thread. All calls of the handler are made on it. Cancellation (total) ends the connection.
///
/// `metrics` is told of requests, answers, reads and writes, refusals and deadlines that pass: a
/// counting_metrics, or a sink of your own. It outlives the operation.
template <class AsyncStream, class Handler, metrics_sink Metrics, class CompletionToken>
    requires std::invocable<Handler&, request_frame, responder>
auto async_serve(AsyncStream& stream, Handler handler, const serve_options& options, Metrics& metrics,
                 CompletionToken&& token) {
    return detail::net::async_initiate<CompletionToken, void(serve_report)>(
        [](auto completion, AsyncStream* on, Handler calls, const serve_options& chosen, Metrics* told) {
            using server = detail::server<AsyncStream, Handler, decltype(completion), Metrics>;
            const auto made =
                std::make_shared<server>(*on, std::move(calls), chosen, *told, std::move(completion));
            made->start();
        },
        token, &stream, std::move(handler), options, &metrics);
}
/// The same without metrics.
template <class AsyncStream, class Handler, class CompletionToken>
    requires std::invocable<Handler&, request_frame, responder>
auto async_serve(AsyncStream& stream, Handler handler, const serve_options& options,
                 CompletionToken&& token) {
    static constinit no_metrics none;
    return async_serve(stream, std::move(handler), options, none, std::forward<CompletionToken>(token));
}

} // namespace kwire::inline KWIRE_ABI
