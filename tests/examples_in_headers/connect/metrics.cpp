// needs: asio
#include <kwire/asio.hpp>
#include <kwire/connect/answer_queue.hpp>
#include <kwire/connect/counting_metrics.hpp>
#include <kwire/connect/metrics.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

using boost::asio::use_awaitable;

void handler(const kwire::request_frame& request, kwire::responder answer);

boost::asio::awaitable<void> example(boost::asio::ip::tcp::socket& socket,
                                     const kwire::serve_options& options) {
    // example 1
}

void loop(kwire::counting_metrics& counted, kwire::answer_queue& answers, kwire::request_frame request,
          kwire::buffer_chain answer, kwire::request_reader& reader, kwire::outbox& out) {
    // example 2
}
