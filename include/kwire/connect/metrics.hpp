/// What connections tell of themselves, for counting: a concept, and a default that costs nothing.
///
///     kwire::counting_metrics counted; // connect/counting_metrics.hpp; or a sink of your own
///     co_await kwire::async_serve(socket, handler, options, counted, use_awaitable);
///
/// A program with a loop of its own tells a meter what happens, and the meter the sink:
///
///     kwire::connection_meter meter(counted);
///     const auto ticket = answers.expect();
///     meter.handed_over(ticket, request.api(), request.api_version(), request.frame().size());
///
///     meter.answered(ticket, answer.size());
///     answers.put(ticket, std::move(answer), out);
///
///     meter.progressed(reader, out); // after reads and writes
#pragma once

#include <kwire/api.hpp>
#include <kwire/connect/frame_reader.hpp>
#include <kwire/connect/outbox.hpp>
#include <kwire/error.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>

namespace kwire::inline KWIRE_ABI {

/// A request that was handed to the program.
struct request_event {
    api_key api{};            ///< what the peer says: may be a number that Kafka has not assigned
    std::int16_t version = 0; ///< the same
    std::uint64_t bytes = 0;  ///< of its frame, length included
};

/// A request that was answered.
struct answer_event {
    /// What was asked.
    request_event request{};
    std::uint64_t bytes = 0;         ///< of the answer, length included; 0 if there is none
    std::chrono::nanoseconds took{}; ///< from when the request was handed over until the program answered
};

/// What a connection did since it told of it before.
struct traffic_event {
    std::uint64_t reads = 0, read_bytes = 0;     ///< that found something
    std::uint64_t frames = 0;                    ///< that came out of them
    std::uint64_t writes = 0, written_bytes = 0; ///< that took something
    std::uint64_t moved_bytes = 0; ///< copied since a frame went on in other memory: basic_frame_reader
    std::uint64_t allocations = 0; ///< of memory for frames, growth included
};

/// The waits that end a connection if they last too long: those of `deadlines`.
enum class deadline : std::uint8_t {
    /// The peer sent no first byte.
    first_request,
    /// No request came after the last one.
    idle,
    /// A request stopped in the middle.
    read,
    /// The peer took no bytes of its answers.
    write,
};

/// The deadline as an identifier: "first_request".
[[nodiscard]] constexpr std::string_view name_of(deadline which) noexcept {
    switch (which) {
    case deadline::first_request: return "first_request";
    case deadline::idle: return "idle";
    case deadline::read: return "read";
    case deadline::write: return "write";
    }
    return "unknown";
}

/// Takes what connections tell. Several connections share one, on several threads if the program has them.
/// Nothing may throw, and nothing should wait.
template <class T>
concept metrics_sink = requires(T& sink, const request_event& request, const answer_event& answer,
                                const traffic_event& traffic) {
    { sink.requested(request) } noexcept;
    { sink.answered(answer) } noexcept;
    { sink.progressed(traffic) } noexcept;
    // Bytes of a peer, for this reason: frame_too_large for a frame above the limit, too_large for tags of a
    // header. A program tells of what it refuses itself: memory_limit_exceeded, decompressed_too_large.
    { sink.refused(errc{}) } noexcept;
    { sink.timed_out(deadline{}) } noexcept;
};

/// Takes nothing. What would tell it is not compiled: no clock is read, and nothing is kept for a request.
struct no_metrics {
    /// Does nothing, as the others.
    static void requested(const request_event& /*request*/) noexcept {}
    static void answered(const answer_event& /*answer*/) noexcept {}
    static void progressed(const traffic_event& /*traffic*/) noexcept {}
    static void refused(errc /*why*/) noexcept {}
    static void timed_out(deadline /*which*/) noexcept {}
};

static_assert(metrics_sink<no_metrics>);

/// Measures one connection for a sink, which outlives it. One thread at a time.
template <metrics_sink Sink>
class connection_meter {
    using clock = std::chrono::steady_clock;

public:
    explicit connection_meter(Sink& sink KWIRE_LIFETIMEBOUND) noexcept : sink_(&sink) {}

    /// A request of `size` bytes, without the length, is about to be handed over. `ticket` is a number that
    /// rises with each request of the connection, as those of answer_queue. std::bad_alloc if there is no
    /// memory to note the time; the answer is then not measured.
    void handed_over(std::uint64_t ticket, api_key api, std::int16_t version, std::size_t size) {
        const request_event request{.api = api, .version = version, .bytes = length_size + size};
        sink_->requested(request);
        open_.push_back({ticket, request, clock::now()});
    }
    /// That request has an answer of `size` bytes, length included; 0 if it gets none.
    void answered(std::uint64_t ticket, std::uint64_t size) noexcept {
        waiting* const found = find(ticket);
        if (found == nullptr) return;
        sink_->answered({found->request, size, clock::now() - found->since});
        found->done = true;
        while (!open_.empty() && open_.front().done) open_.pop_front();
    }
    /// Tells what `reader` and `out` have done since the last time.
    template <class Memory>
    void progressed(const basic_frame_reader<Memory>& reader, const outbox& out) noexcept {
        const traffic_event now{.reads = reader.reads(),
                                .read_bytes = reader.bytes(),
                                .frames = reader.frames(),
                                .writes = out.writes(),
                                .written_bytes = out.sent_bytes(),
                                .moved_bytes = reader.moved_bytes(),
                                .allocations = reader.allocations()};
        sink_->progressed({.reads = now.reads - told_.reads,
                           .read_bytes = now.read_bytes - told_.read_bytes,
                           .frames = now.frames - told_.frames,
                           .writes = now.writes - told_.writes,
                           .written_bytes = now.written_bytes - told_.written_bytes,
                           .moved_bytes = now.moved_bytes - told_.moved_bytes,
                           .allocations = now.allocations - told_.allocations});
        told_ = now;
    }
    /// Tells the sink of a refusal.
    void refused(errc why) noexcept { sink_->refused(why); }
    /// Tells the sink of a deadline that passed.
    void timed_out(deadline which) noexcept { sink_->timed_out(which); }

private:
    static constexpr std::size_t length_size = 4;

    struct waiting {
        std::uint64_t ticket = 0;
        request_event request{};
        clock::time_point since{};
        bool done = false;
    };

    /// A request that is not answered. Tickets may be missing, so it is not later than if there were all.
    [[nodiscard]] waiting* find(std::uint64_t ticket) noexcept {
        if (open_.empty() || ticket < open_.front().ticket) return nullptr;
        std::uint64_t i = std::min<std::uint64_t>(ticket - open_.front().ticket, open_.size() - 1);
        while (open_[static_cast<std::size_t>(i)].ticket > ticket) --i;
        waiting& found = open_[static_cast<std::size_t>(i)];
        return found.ticket == ticket && !found.done ? &found : nullptr;
    }

    Sink* sink_;
    std::deque<waiting> open_; ///< by ticket; the first one has no answer
    traffic_event told_{};
};

/// Measures nothing.
template <>
class connection_meter<no_metrics> {
public:
    connection_meter() = default;
    explicit connection_meter(no_metrics& /*sink*/) noexcept {}

    /// Notes when a request was given to the handler.
    static void handed_over(std::uint64_t /*ticket*/, api_key /*api*/, std::int16_t /*version*/,
                            std::size_t /*size*/) noexcept {}
    static void answered(std::uint64_t /*ticket*/, std::uint64_t /*size*/) noexcept {}
    template <class Memory>
    static void progressed(const basic_frame_reader<Memory>& /*reader*/, const outbox& /*out*/) noexcept {}
    /// Tells the sink of a refusal.
    static void refused(errc /*why*/) noexcept {}
    /// Tells the sink of a deadline that passed.
    static void timed_out(deadline /*which*/) noexcept {}
};

} // namespace kwire::inline KWIRE_ABI
