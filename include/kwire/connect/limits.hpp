/// What a program allows strangers to use, in one place: each layer gets its own options from it.
///
///     constexpr kwire::limits allowed{.frame_bytes = 16 << 20, .decompressed_bytes = 32 << 20};
///
///     kwire::request_reader reader(allowed.before_authentication().frames());
///     auto request = kwire::parse_request_frame(frame, kwire::parse_options::as_kafka(), allowed.headers());
///     auto owned = kwire::to_data(*metadata, allowed.data());
///     auto records = kwire::records(batch, codecs, allowed.decompressed_bytes);
///     kwire::outbox out(allowed.unsent);
///
/// docs/limits.md says what each of them guards against.
#pragma once

#include <kwire/connect/correlator.hpp>
#include <kwire/connect/frame.hpp>
#include <kwire/connect/frame_reader.hpp>
#include <kwire/connect/outbox.hpp>
#include <kwire/write/to_data.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace kwire::inline KWIRE_ABI {

/// The limits of a program, or of one listener of it. A value: what was made from it does not follow changes.
///
/// `parse` needs none. It allocates nothing, takes time in proportion to the bytes, and refuses counts that
/// these bytes cannot hold (count_exceeds_input) and strings above 32767 bytes (string_too_long). A batch is
/// bounded in the same way by its bytes after decompression. How long a peer may be silent is not here but in
/// `serve_options`, since that takes a clock; how many connections there may be is the program's to decide.
struct limits {
    /// Bytes of a frame, without the four of its length. 100 MiB, as socket.request.max.bytes of a broker.
    /// A longer frame is frame_too_large before any of it is read, and the connection is at its end.
    std::uint32_t frame_bytes = 104'857'600;
    /// The same for a peer that has not authenticated, if that is less. 512 KiB, as
    /// sasl.server.max.receive.size.
    std::uint32_t frame_bytes_before_authentication = 524'288;
    /// Bytes that a read may bring beyond the frame that it is for; no refusal, but what a connection may
    /// occupy. 64 KiB. With 0 nothing is read ahead.
    std::uint32_t read_ahead_bytes = 65'536;

    /// Tagged fields of a header. 64; no release of Kafka has any. More are too_large.
    std::uint32_t header_tags = 64;
    /// Bytes of all tagged fields of a header. 64 KiB. More are too_large.
    std::uint32_t header_tag_bytes = 65'536;

    /// Bytes that `to_data` may take from operator new for one message; more is memory_limit_exceeded before
    /// any of it is taken. Unset: 16 times the bytes of the message, at least 1 MiB. Views take none.
    std::optional<std::uint64_t> data_bytes{};

    /// Bytes of the records of one batch after decompression. 64 MiB. More is decompressed_too_large, and no
    /// more than that was written. Nothing adds up the batches of a request: who decompresses all of them
    /// holds one at a time.
    std::size_t decompressed_bytes = std::size_t{64} << 20;
    /// The window of a zstd frame, as a power of two of bytes, 10 to 31. 27, which is 128 MiB of memory for
    /// the time of decompressing. Larger ones are too_large. For the constructor of zstd_codec.
    int zstd_window_log = 27;

    /// Requests of a connection that may wait for answers. 1, as Kafka. While there are as many, no request
    /// is handed over, and the peer is read from until one is there at most.
    std::size_t requests_in_flight = 1;
    /// Bytes of these requests, with the same effect. 100 MiB. One request may be larger all the same.
    std::size_t bytes_in_flight = 104'857'600;
    /// Bytes of answers that wait to be sent. From 1 MiB on no more requests are taken, until 256 KiB are
    /// left.
    water_marks unsent{};

    /// Requests that were sent to a broker, and wait for its responses. 1024. One more is too_many_in_flight.
    std::size_t responses_awaited = 1024;

    /// The same limits for a peer that has not authenticated: frames are as short as is said above.
    [[nodiscard]] constexpr limits before_authentication() const noexcept {
        limits less = *this;
        less.frame_bytes = std::min(frame_bytes, frame_bytes_before_authentication);
        return less;
    }

    /// For a request_reader or a response_reader.
    [[nodiscard]] constexpr frame_limits frames() const noexcept {
        return {.max_frame_bytes = frame_bytes, .read_ahead_bytes = read_ahead_bytes};
    }
    /// For parse_request_frame, parse_response_frame and expects_response.
    [[nodiscard]] constexpr header_limits headers() const noexcept {
        return {.max_tags = header_tags, .max_tag_bytes = header_tag_bytes};
    }
    /// For to_data.
    [[nodiscard]] constexpr data_limits data() const noexcept { return {.memory_limit = data_bytes}; }
    /// For a correlator, which parses headers with `options`.
    [[nodiscard]] constexpr correlator_options correlation(parse_options options = {}) const noexcept {
        return {.most_in_flight = responses_awaited, .parse = options, .headers = headers()};
    }
};

} // namespace kwire::inline KWIRE_ABI
