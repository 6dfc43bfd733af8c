/// Matches responses to their requests on one connection.
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

/// Whether a broker answers the request in `frame`. It answers all requests but Produce with acks=0, for
/// which it sends nothing and closes the connection on an error.
///
/// Reads only what it needs: the header of a Produce request, and its body up to acks, which in every version
/// is the first field, after the transactional id if there is one. Pass the `options` with which the request
/// is parsed. Errors: as parse_request_frame; truncated or bad_varint if the body is invalid before acks.
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

/// The requests of one connection that wait for their responses, in the order in which they were sent.
///
/// Kafka responds in that order, so every other response is refused: a second one, one out of order, or one
/// without a request. A refusal changes nothing here, but the connection is no longer usable, since the
/// meaning of its next bytes is unknown. Uses 8 bytes per request, grows up to the number that may be in
/// flight and then allocates no more.
///
/// After a successful response to SaslHandshake v0, frames in both directions are SASL tokens without a
/// header; only the caller can know when the mechanism has finished (end_of_tokens). Not copyable or movable,
/// like the reader of that connection, and not for two threads at once.
class correlator {
public:
    static constexpr std::size_t default_most_in_flight = 1024;

    /// Pass the `options` with which the requests are parsed.
    explicit correlator(std::size_t most_in_flight = default_most_in_flight,
                        parse_options options = {}) noexcept
        : most_(most_in_flight), options_(options) {}
    correlator(const correlator&) = delete;
    correlator& operator=(const correlator&) = delete;
    ~correlator() = default;

    /// Records a frame that is about to be sent: a request, with or without a response, or a token.
    ///
    /// Errors: those of expects_response; duplicate_correlation_id; too_many_in_flight if full(), and after a
    /// SaslHandshake v0 that is not answered yet, since the response decides what such a frame is.
    [[nodiscard]] std::expected<void, error> sent(std::span<const std::byte> frame) {
        if (tokens_) return {};
        const auto answered = expects_response(frame, options_);
        if (!answered) return std::unexpected(answered.error());
        const request_start start = *peek_request(frame);
        if (*answered) return note(start);
        return handshakes() ? refuse(errc::too_many_in_flight, request_header::facts.name)
                            : std::expected<void, error>{};
    }

    /// The same for a request that the caller knows to be answered. Ends an exchange of tokens.
    [[nodiscard]] std::expected<void, error> sent(const request_start& request) {
        auto noted = note(request);
        if (noted) tokens_ = false;
        return noted;
    }

    /// Returns the request that the response in `frame` answers, and removes it; nullopt for a token.
    ///
    /// Errors: unknown_correlation_id, response_out_of_order, and truncated for frames of fewer than four
    /// bytes.
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

    /// Removes and returns the oldest request; nullopt if there is none. After the end of the connection,
    /// call it until nullopt, so that every request gets an outcome.
    [[nodiscard]] std::optional<request_start> abandon() noexcept {
        if (count_ == 0) return std::nullopt;
        const request_start oldest = at(0);
        drop();
        return oldest;
    }

    /// The number of requests that wait for a response.
    [[nodiscard]] std::size_t in_flight() const noexcept { return count_; }
    /// Whether no more requests may be sent now: stop reading from the client.
    [[nodiscard]] bool full() const noexcept { return count_ >= most_; }

    /// Whether frames are SASL tokens now, in both directions.
    [[nodiscard]] bool exchanges_tokens() const noexcept { return tokens_; }
    /// The SASL mechanism has finished: the frames that follow have headers again.
    void end_of_tokens() noexcept { tokens_ = false; }

private:
    static constexpr std::size_t first_capacity = 8;

    [[nodiscard]] static bool is_raw_handshake(const request_start& request) noexcept {
        return request.api == api_key::sasl_handshake && request.api_version == 0;
    }
    [[nodiscard]] static std::unexpected<error> refuse(errc code, std::string_view message) noexcept {
        return std::unexpected(error{.code = code, .message = message, .located = false});
    }

    /// The waiting request number `i`, counted from the oldest one.
    [[nodiscard]] const request_start& at(std::size_t i) const noexcept {
        const std::size_t place = first_ + i; // less than twice the capacity
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
        // Clients count upwards, so the comparison with the last id is usually enough. The search is for
        // other clients, and while ids from before a wrap-around are waiting.
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
    std::size_t first_ = 0; ///< the position of the oldest request
    std::size_t count_ = 0;
    /// A lower bound of the length of the strictly increasing run of ids at the end of the ring.
    std::size_t rising_ = 0;
    bool tokens_ = false;
};

} // namespace kwire
