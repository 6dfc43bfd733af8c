/// One TCP connection: which side is the client, the frames of both, and which response belongs to which
/// request.
#pragma once

#include <kwire/connect/correlator.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "exchange.hpp"
#include "frame_stream.hpp"
#include "packet.hpp"
#include "tcp_stream.hpp"

namespace dump {

/// What is counted over all connections.
struct connection_counts {
    std::uint64_t connections = 0; ///< that speak Kafka's protocol; what follows is of those alone
    stream_counts stream;
    frame_counts frames;
    std::uint64_t requests = 0;
    std::uint64_t responses = 0;
    std::uint64_t tokens = 0;               ///< frames of SASL without a header, in both directions
    std::uint64_t responses_of_nothing = 0; ///< whose requests are not in the capture
};

/// What connections share.
struct connection_context {
    sink& to;
    wanted_bytes wanted;
    connection_counts& counts;
    std::uint64_t kept = 0;      ///< bytes of requests that wait
    std::uint64_t collected = 0; ///< and of frames that have not ended
};

/// See the head of this file.
class connection {
public:
    connection(const endpoint& a, const endpoint& b, std::uint64_t number) noexcept
        : ends_{a, b}, number_(number) {}
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    /// Takes a segment between the two endpoints.
    void add(const segment& one, connection_context& context);
    /// The capture or the connection ends.
    void end(connection_context& context);

    /// Says that the endpoint `side`, 0 or 1, is a broker.
    void expect_broker(unsigned side) noexcept {
        client_ = static_cast<int>(1 - side);
        known_broker_ = true;
    }
    /// Whether a segment that begins a connection begins another one than this.
    [[nodiscard]] bool is_over(const segment& syn) const noexcept { return has_data_ && syn.syn && !syn.ack; }
    /// Whether it speaks Kafka's protocol, as far as was seen.
    [[nodiscard]] bool is_kafka() const noexcept { return kafka_; }
    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

private:
    /// A request that waits for its response.
    struct asked {
        std::string client_id;
        frame_copy request;
    };
    using pairing = kwire::correlator<std::unique_ptr<asked>>;

    struct half {
        tcp_stream tcp;
        frame_stream frames;
        stream_counts counts;
        std::vector<std::byte>
            first; ///< the first bytes of the stream, until they are enough to tell what it is
        std::int64_t first_ns = 0; ///< when the last of them passed
        bool begun = false;        ///< later ones have passed
    };
    struct side_target;

    [[nodiscard]] bool from_client(unsigned side) const noexcept { return client_ == static_cast<int>(side); }
    std::size_t find_start(unsigned side, std::span<const std::byte> chunk, bool starts_segment);
    [[nodiscard]] bool may_begin(unsigned side, std::span<const std::byte> chunk) const noexcept;
    bool take_request(const seen_frame& frame, connection_context& context);
    bool take_response(const seen_frame& frame, connection_context& context);
    void show(const kwire::request_start& start, asked& request, const seen_frame* response, outcome result,
              connection_context& context);
    void abandon_one(outcome result, connection_context& context);

    std::array<endpoint, 2> ends_;
    std::array<half, 2> halves_;
    pairing pairs_;
    frame_counts frames_counted_;
    std::uint64_t number_;
    int client_ = -1;     ///< which side it is: 0, 1, or not known yet
    unsigned tries_ = 64; ///< segments that are looked through for a request
    bool kafka_ = false;
    bool known_broker_ = false;
    bool counted_ = false;
    bool saw_syn_ = false;
    bool has_data_ = false;
    bool lost_before_ = false; ///< bytes were missing before the last end()
    std::array<bool, 2> ended_{};
    bool broker_closed_ = false; ///< before the client did
    unsigned strangers_ = 0;     ///< responses in a row that no request has asked for
};

} // namespace dump
