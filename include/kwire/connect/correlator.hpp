/// Which request a response answers, on one connection.
///
///     kwire::correlator pending;
///     if (auto noted = pending.sent(request.span()); !noted) return close(noted.error());
///     send(request);
///     ...
///     auto asked = pending.received(frame.span());
///     if (!asked) return close(asked.error());         // unknown, repeated or out of order
///     if (!*asked) return pass_token(frame);           // a raw SASL token has no header
///     auto response = kwire::parse_response_frame(frame, (*asked)->api, (*asked)->api_version);
///
/// Frames are without their length, as frame_reader yields them.
#pragma once

#include <kwire/connect/frame.hpp>
#include <kwire/schema/detail/length.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace kwire {

/// Whether a broker answers the request in `frame`: all but Produce with acks=0, where it says nothing and in
/// case of trouble closes the connection.
///
/// Reads no more than it must: the header of a Produce request, and its body up to acks, which every version
/// has at the same place. `options` are those that the request is parsed with. Errors: as
/// parse_request_frame, and truncated or bad_varint where that part ends.
[[nodiscard]] inline std::expected<bool, error> expects_response(std::span<const std::byte> frame,
                                                                 parse_options options = {}) noexcept {
    const auto start = peek_request(frame);
    if (!start) return std::unexpected(start.error());
    if (start->api != api_key::produce) return true;
    const auto header = detail::parse_header<request_header>(
        frame, request_header_version(start->api, start->api_version), options);
    if (!header) return std::unexpected(header.error());

    const std::byte* const end = frame.data() + frame.size();
    const std::byte* p = frame.data() + bytes_of(*header).size();
    const auto left = [&] { return static_cast<std::size_t>(end - p); };
    const auto refuse = [&](errc code, std::size_t needed) {
        return std::unexpected(error{.code = code,
                                     .offset = static_cast<std::size_t>(p - frame.data()),
                                     .needed = needed,
                                     .left = needed != 0 ? left() : 0,
                                     .message = "ProduceRequest",
                                     .version = start->api_version});
    };
    if (start->api_version >= 3) { // the transactional id, which may be null
        const bool compact = start->api_version >= facts_of(api_key::produce).first_flexible;
        const auto form = compact ? detail::length_form::compact : detail::length_form::int16;
        const std::size_t prefix = detail::prefix_size(form);
        if (left() < prefix) return refuse(errc::truncated, compact ? 0 : prefix);
        auto [content, size] = detail::decode_length(form, p, left());
        if (content == nullptr) return refuse(wire::varint_defect(p, end), 0);
        p = content;
        const bool negative = size > wire::max_length;
        if (negative && (size == detail::null_length || !compact || options.negative_as_null)) size = 0;
        if (left() < size) return refuse(errc::truncated, size);
        p += size;
    }
    if (left() < 2) return refuse(errc::truncated, 2);
    return wire::load_be<std::int16_t>(p) != 0;
}

/// The requests of one connection that wait for their answers, in the order in which they were sent.
///
/// Kafka answers in that order, so anything else is refused: answered twice, out of turn, or never asked. A
/// refusal changes nothing, but the connection is of no use any more: what its next bytes mean is not known.
/// Holds 8 bytes a request, grows up to the number that may be in flight and then allocates no more.
///
/// After SaslHandshake v0 has been answered without an error, frames in both directions are SASL tokens
/// without a header; only the caller can know when the mechanism is done (end_of_tokens). Not copyable or
/// movable, like the reader of that connection, and not for two threads at once.
class correlator {
public:
    static constexpr std::size_t default_most_in_flight = 1024;

    /// `options` are those that the requests are parsed with.
    explicit correlator(std::size_t most_in_flight = default_most_in_flight,
                        parse_options options = {}) noexcept
        : most_(most_in_flight), options_(options) {}
    correlator(const correlator&) = delete;
    correlator& operator=(const correlator&) = delete;
    ~correlator() = default;

    /// Notes a frame that is about to be sent: a request, which may be one without an answer, or a token.
    ///
    /// Errors: those of expects_response; duplicate_correlation_id; too_many_in_flight if full(), and behind
    /// a SaslHandshake v0 that is not answered yet, since what such a frame is depends on the answer.
    [[nodiscard]] std::expected<void, error> sent(std::span<const std::byte> frame) {
        if (tokens_) return {};
        const auto answered = expects_response(frame, options_);
        if (!answered) return std::unexpected(answered.error());
        const request_start start = *peek_request(frame);
        if (*answered) return note(start);
        return handshakes() ? refuse(errc::too_many_in_flight, request_header::facts.name)
                            : std::expected<void, error>{};
    }

    /// The same for a request of which the caller knows that it is answered. Ends an exchange of tokens.
    [[nodiscard]] std::expected<void, error> sent(const request_start& request) {
        auto noted = note(request);
        if (noted) tokens_ = false;
        return noted;
    }

    /// The request that the response in `frame` answers, and forgets it; nullopt for a token.
    ///
    /// Errors: unknown_correlation_id, response_out_of_order, and truncated for frames below four bytes.
    [[nodiscard]] std::expected<std::optional<request_start>, error>
    received(std::span<const std::byte> frame) noexcept {
        if (tokens_) return std::nullopt;
        if (frame.size() < 4)
            return std::unexpected(error{.code = errc::truncated,
                                         .needed = 4,
                                         .left = frame.size(),
                                         .message = response_header::facts.name});
        const auto id = wire::load_be<std::int32_t>(frame.data());
        if (count_ == 0 || at(0).correlation_id != id) {
            const errc code = waits(id) ? errc::response_out_of_order : errc::unknown_correlation_id;
            return std::unexpected(
                error{.code = code, .message = response_header::facts.name, .located = false});
        }
        const request_start asked = at(0);
        tokens_ = is_raw_handshake(asked) && frame.size() >= 6 &&
                  error_code{wire::load_be<std::int16_t>(frame.data() + 4)} == error_code::none;
        drop();
        return asked;
    }

    /// Forgets the oldest request and hands it out: after the end of the connection, until nullopt, so that
    /// each gets an outcome.
    [[nodiscard]] std::optional<request_start> abandon() noexcept {
        if (count_ == 0) return std::nullopt;
        const request_start oldest = at(0);
        drop();
        return oldest;
    }

    /// How many requests wait for an answer.
    [[nodiscard]] std::size_t in_flight() const noexcept { return count_; }
    /// Whether no more may be sent now: time to stop reading from whoever asks.
    [[nodiscard]] bool full() const noexcept { return count_ >= most_; }

    /// Whether frames are SASL tokens now, in both directions.
    [[nodiscard]] bool exchanges_tokens() const noexcept { return tokens_; }
    /// The mechanism has come to its end: what follows has headers again.
    void end_of_tokens() noexcept { tokens_ = false; }

private:
    static constexpr std::size_t first_capacity = 8;

    [[nodiscard]] static bool is_raw_handshake(const request_start& request) noexcept {
        return request.api == api_key::sasl_handshake && request.api_version == 0;
    }
    [[nodiscard]] static std::unexpected<error> refuse(errc code, std::string_view message) noexcept {
        return std::unexpected(error{.code = code, .message = message, .located = false});
    }

    /// The request that was sent as number `i` of those that wait.
    [[nodiscard]] const request_start& at(std::size_t i) const noexcept {
        const std::size_t place = first_ + i; // below twice the capacity
        return ring_[place < capacity_ ? place : place - capacity_];
    }
    [[nodiscard]] bool waits(std::int32_t id) const noexcept {
        for (std::size_t i = 0; i < count_; ++i)
            if (at(i).correlation_id == id) return true;
        return false;
    }
    [[nodiscard]] bool handshakes() const noexcept { return count_ != 0 && is_raw_handshake(at(count_ - 1)); }

    [[nodiscard]] std::expected<void, error> note(const request_start& request) {
        if (full() || handshakes()) return refuse(errc::too_many_in_flight, request_header::facts.name);
        // Clients count upwards, and then the last one tells: the search is for all others, and for as long
        // as numbers from before a wrap-around wait.
        const bool above = count_ == 0 || request.correlation_id > at(count_ - 1).correlation_id;
        if (!(above && rising_ >= count_) && waits(request.correlation_id))
            return refuse(errc::duplicate_correlation_id, request_header::facts.name);
        if (count_ == capacity_) grow();
        const std::size_t place = first_ + count_;
        ring_[place < capacity_ ? place : place - capacity_] = request;
        rising_ = above ? std::min(rising_, count_) + 1 : 1;
        ++count_;
        return {};
    }
    void drop() noexcept {
        first_ = first_ + 1 < capacity_ ? first_ + 1 : 0;
        --count_;
    }
    void grow() {
        const std::size_t capacity = std::min(most_, std::max(first_capacity, 2 * capacity_));
        auto larger = std::make_unique<request_start[]>(capacity);
        for (std::size_t i = 0; i < count_; ++i) larger[i] = at(i);
        ring_ = std::move(larger);
        capacity_ = capacity;
        first_ = 0;
    }

    std::size_t most_;
    parse_options options_;
    std::unique_ptr<request_start[]> ring_;
    std::size_t capacity_ = 0;
    std::size_t first_ = 0; ///< where the oldest one is
    std::size_t count_ = 0;
    std::size_t rising_ =
        0; ///< at least so many of the last ones have each a higher number than the one before
    bool tokens_ = false;
};

} // namespace kwire
