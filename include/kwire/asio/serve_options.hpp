/// What async_serve allows a peer, and what it says at the end.
#pragma once

#include <kwire/asio/detail/library.hpp>
#include <kwire/asio/serve_budget.hpp>
#include <kwire/connect/frame.hpp>
#include <kwire/connect/frame_reader.hpp>
#include <kwire/connect/limits.hpp>
#include <kwire/connect/outbox.hpp>
#include <kwire/error.hpp>
#include <kwire/schema/parse_options.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace kwire::inline KWIRE_ABI {

/// How long a peer may make no progress. These are not for whole requests and answers: a steady peer may be
/// as slow as it is.
struct deadlines {
    std::chrono::milliseconds first_request{10'000}; ///< from the start to a first byte of the first request
    std::chrono::milliseconds idle{600'000}; ///< between two requests, as Kafka's connections.max.idle.ms
    std::chrono::milliseconds read{30'000};  ///< in the middle of a request, without a byte
    std::chrono::milliseconds write{30'000}; ///< while answers wait, without a byte taken
};

/// How a connection is served.
struct serve_options {
    /// How long requests may be, and how much is read ahead.
    frame_limits frames{};
    water_marks water{}; ///< no requests are taken from `high` on, until all that waits is sent
    /// How long the peer may be silent.
    deadlines patience{};
    /// Requests that may wait for answers. With 1 a request is handled when the one before it is answered, as
    /// Kafka does.
    std::size_t max_in_flight = 1;
    std::size_t max_bytes_in_flight = 104'857'600; ///< of these requests; one may be larger all the same
    /// How many tags the header of a request may have.
    header_limits headers{};
    parse_options parsing = parse_options::as_kafka(); ///< of the headers; handlers parse the bodies

    /// Of all connections that have it; may be null.
    std::shared_ptr<serve_budget> budget{};

    /// What `allowed` says, with the usual deadlines.
    [[nodiscard]] static serve_options within(const limits& allowed) noexcept {
        return {.frames = allowed.frames(),
                .water = allowed.unsent,
                .max_in_flight = allowed.requests_in_flight,
                .max_bytes_in_flight = allowed.bytes_in_flight,
                .headers = allowed.headers()};
    }
};

/// Why a connection ended.
enum class serve_stop : std::uint8_t {
    end_of_stream, ///< the peer closed it between two requests, and was sent its answers, unless a handler
                   ///< gave up on them
    refused,       ///< its bytes are not requests: see `refusal`
    silent,        ///< a deadline passed: see `reason`
    hung_up,       ///< a handler ended it, or lost a responder: see `reason`
    cancelled,     ///< by the caller
    failed,        ///< the stream did: see `code`
};

/// What became of a connection.
struct serve_report {
    /// What ended it.
    serve_stop why = serve_stop::end_of_stream;
    detail::asio_error code{};      ///< of the stream
    std::optional<error> refusal{}; ///< of the bytes
    std::string reason{};           ///< in words; empty for an end of the stream
    /// How many requests were handed over, and how many answers were sent.
    std::uint64_t requests = 0, answers = 0;
    std::uint64_t reads = 0, writes = 0;       ///< of the stream, without those that found nothing
    std::uint64_t bytes_in = 0, bytes_out = 0; ///< lengths included
    std::uint64_t moved_bytes = 0;             ///< as frame_reader::moved_bytes()
};

} // namespace kwire::inline KWIRE_ABI
