/// A loop that serves a connection, compiled by test_no_metrics.py: without a meter, with one that measures
/// nothing, and with one that counts.
#include <kwire/connect/answer_queue.hpp>
#include <kwire/connect/counting_metrics.hpp>
#include <kwire/connect/frame.hpp>
#include <kwire/connect/frame_reader.hpp>
#include <kwire/connect/metrics.hpp>
#include <kwire/connect/outbox.hpp>

#if defined(WITHOUT_METER)
#define METER(call)
#else
#define METER(call) meter.call
#if defined(COUNTING)
using sink_type = kwire::counting_metrics;
#else
using sink_type = kwire::no_metrics;
#endif
extern sink_type sink;
#endif

std::size_t receive(std::span<std::byte> room);
std::uint64_t send(kwire::outbox& out);
kwire::buffer_chain answer_to(const kwire::request_frame& request);

/// Returns the reason for which the connection ends.
kwire::errc serve(kwire::request_reader& reader, kwire::answer_queue& answers, kwire::outbox& out) {
#if !defined(WITHOUT_METER)
    kwire::connection_meter<sink_type> meter(sink);
#endif
    for (;;) {
        auto frame = reader.next();
        if (!frame) {
            METER(refused(frame.error().code));
            return frame.error().code;
        }
        if (*frame) {
            [[maybe_unused]] const std::size_t size = (*frame)->size();
            auto request = kwire::parse_request_frame(**std::move(frame));
            if (!request) {
                METER(refused(request.error().code));
                return request.error().code;
            }
            const auto ticket = answers.expect();
            METER(handed_over(ticket, request->api(), request->api_version(), size));
            kwire::buffer_chain answer = answer_to(*request);
            METER(answered(ticket, answer.size()));
            answers.put(ticket, std::move(answer), out);
        } else {
            out.sent(send(out));
            reader.commit(receive(reader.prepare()));
            METER(progressed(reader, out));
        }
    }
}
