/// A request and its response, as the program shows them.
#pragma once

#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/connect/request_start.hpp>

#include <cstdint>
#include <optional>
#include <string>

#include "packet.hpp"

namespace dump {

/// A frame without its length, or the first bytes of one.
struct frame_copy {
    kwire::shared_buffer bytes;
    std::uint32_t size = 0; ///< of the whole frame
    std::int64_t first_ns = 0;
    std::int64_t last_ns = 0;

    [[nodiscard]] bool whole() const noexcept { return bytes.size() == size; }
};

/// Why there is no response.
enum class outcome : std::uint8_t {
    answered,
    not_expected, ///< Produce with acks=0
    waiting,      ///< the capture ended before, or the client closed the connection
    closed,       ///< the broker closed the connection instead
    skipped,      ///< later requests were answered: the response is not in the capture
    alone,        ///< a frame by itself, from a file of frames
};

/// A request with what came of it.
struct exchange {
    endpoint client;
    endpoint broker;
    std::uint64_t connection = 0; ///< a number, counted from 1
    kwire::request_start start;
    std::string client_id;
    frame_copy request; ///< its bytes are kept only if the sink asked for them
    std::optional<frame_copy> response;
    outcome result = outcome::answered;

    /// From the last byte of the request to the last byte of the response.
    [[nodiscard]] std::int64_t latency_ns() const noexcept {
        return response ? response->last_ns - request.last_ns : 0;
    }
};

/// What a sink wants to see of frames.
struct wanted_bytes {
    bool requests = true;                     ///< whether the bytes of requests are kept for the response
    std::size_t collected = 16 << 20;         ///< of a frame in several segments
    std::size_t collected_in_all = 256 << 20; ///< of those that have not ended; beyond that likewise
    std::size_t kept_in_all = 64 << 20;       ///< of requests that wait; beyond that the first bytes of each
};

/// Takes exchanges, in the order in which they end.
class sink {
public:
    sink() = default;
    sink(const sink&) = delete;
    sink& operator=(const sink&) = delete;
    virtual ~sink() = default;

    virtual void take(const exchange& one) = 0;
    /// Whether it wants no more.
    [[nodiscard]] virtual bool done() const noexcept { return false; }
};

} // namespace dump
