/// Internal: how far a connection is in the exchange of raw SASL tokens, which follow SaslHandshake v0. The
/// correlator keeps it, the reader of responses asks it.
#pragma once

#include <kwire/detail/config.hpp>

#include <cstdint>

namespace kwire::inline KWIRE_ABI::detail {

class token_exchange {
public:
    /// Whether frames are SASL tokens now, in both directions.
    [[nodiscard]] bool exchanges_tokens() const noexcept { return phase_ == phase::tokens; }
    /// Whether the next frame of the broker may be a token. True a little longer than exchanges_tokens(): a
    /// client that does not wait for the last token sends its first request before that token arrives.
    [[nodiscard]] bool token_may_arrive() const noexcept { return phase_ != phase::headers; }

protected:
    enum class phase : std::uint8_t {
        headers,
        tokens,
        last_token
    };

    token_exchange() = default;
    token_exchange(const token_exchange&) = delete;
    token_exchange& operator=(const token_exchange&) = delete;
    ~token_exchange() = default;

    void begin_tokens() noexcept {
        phase_ = phase::tokens;
        unanswered_ = false;
    }
    void token_sent() noexcept { unanswered_ = true; }
    void token_received() noexcept {
        unanswered_ = false;
        if (phase_ == phase::last_token) phase_ = phase::headers;
    }
    /// The client has sent a request. Some mechanisms answer the last token of the client, others do not.
    void request_sent() noexcept {
        if (phase_ == phase::tokens) phase_ = unanswered_ ? phase::last_token : phase::headers;
    }
    void end_tokens() noexcept { phase_ = phase::headers; }

private:
    phase phase_ = phase::headers;
    bool unanswered_ = false; ///< the client's last token has no answer yet
};

} // namespace kwire::inline KWIRE_ABI::detail
