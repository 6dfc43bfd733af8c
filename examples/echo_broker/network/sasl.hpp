// SASL: what a client may do before it has authenticated (--user).
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/connect/frame.hpp>

#include <chrono>
#include <cstdint>
#include <span>
#include <string>

#include "echo_broker/client.hpp"
#include "echo_broker/service.hpp"

namespace echo_broker {

class broker;

/// What is to be done about a frame of a client that has not authenticated.
struct sasl_step {
    enum class next : std::uint8_t {
        wait,  ///< for its next frame
        serve, ///< it is who it says
        close, ///< after the answer, if there is one
    };
    kwire::buffer_chain answer{}; ///< empty for none
    next then = next::wait;
    std::chrono::milliseconds delay{}; ///< before the answer, or before closing
    std::string why{};                 ///< it is closed
};

/// The exchange of one connection. Only PLAIN is there: a name and a password. A client asks for it with
/// SaslHandshake, and sends them in SaslAuthenticate, or, after version 0 of SaslHandshake, in a frame
/// without a header.
class sasl_exchange {
public:
    sasl_exchange(broker& here, const client& from) : here_(here), from_(from) {}

    /// `frame` is without its length.
    [[nodiscard]] sasl_step take(kwire::shared_buffer frame);

private:
    enum class state : std::uint8_t {
        no_mechanism,
        request, ///< SaslAuthenticate is next
        token,   ///< a frame without a header is next
    };

    sasl_step take_request(const kwire::request_frame& request);
    sasl_step handshake(const kwire::request_frame& request, const open_request& kept);
    sasl_step authenticate(const kwire::request_frame& request, const open_request& kept);
    sasl_step api_versions(const kwire::request_frame& request, const open_request& kept);
    sasl_step take_token(std::span<const std::byte> token);
    /// Whether PLAIN's token is of a user of this broker; if not, `why` says so without what is secret.
    [[nodiscard]] bool is_a_user(std::span<const std::byte> token, std::string& why) const;
    template <class Response>
    sasl_step answer(const open_request& kept, std::int16_t version, const typename Response::data& response);

    broker& here_;
    const client& from_;
    state state_ = state::no_mechanism;
};

} // namespace echo_broker
