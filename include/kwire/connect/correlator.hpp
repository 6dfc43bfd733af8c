/// Matches responses to their requests on one connection.
///
///     kwire::correlator<> pending;
///     if (auto noted = pending.sent(request.span()); !noted) return close(noted.error());
///     send(request);
///     ...
///     auto asked = pending.received(frame.span());
///     if (!asked) return close(asked.error());         // nothing was asked
///     if (!*asked) return pass_token(frame);           // a raw SASL token has no header
///     auto response = kwire::parse_response_frame(frame, (*asked)->api, (*asked)->api_version);
///
/// It also carries a value of the program's own with each request, such as who asked and when:
///
///     kwire::correlator<std::chrono::steady_clock::time_point> timed;
///     auto noted = timed.sent(request.span(), std::chrono::steady_clock::now());
///     ...
///     auto answered = timed.received(frame.span());
///     if (answered && *answered) measure((*answered)->api, (*answered)->value);
///
/// Frames are without their length, as the frame readers yield them.
#pragma once

#include <kwire/connect/detail/token_exchange.hpp>
#include <kwire/connect/frame.hpp>
#include <kwire/expected.hpp>
#include <kwire/schema/detail/length.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace kwire::inline KWIRE_ABI {

/// Whether a broker answers the request in `frame`. It answers all requests but Produce with acks=0, for
/// which it sends nothing and closes the connection on an error.
///
/// Reads only what it needs: the header of a Produce request, and its body up to acks, which in every version
/// is the first field, after the transactional id if there is one. Pass the `options` and
/// `limits` with which the request is parsed. Errors: as parse_request_frame; truncated or bad_varint if the
/// body is invalid before acks.
[[nodiscard]] inline expected<bool, error> expects_response(std::span<const std::byte> frame,
                                                            parse_options options = {},
                                                            header_limits limits = {}) noexcept {
    const auto start = peek_request(frame);
    if (!start) return unexpected(start.error());
    if (start->api != api_key::produce) return true;
    const std::int16_t header_version = request_header_version(start->api, start->api_version);
    detail::error_slot refusal;
    const std::size_t body =
        detail::header_size<request_header>(frame, header_version, options, limits, refusal);
    if (body == 0) [[unlikely]]
        return unexpected(*refusal);

    const std::byte* const end = frame.data() + frame.size();
    const std::byte* p = frame.data() + body;
    const auto left = [&] { return static_cast<std::size_t>(end - p); };
    const auto refuse = [&](errc code, std::size_t needed) {
        return unexpected(error{.code = code,
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

/// A request that was sent: its start, and the value that the program gave with it.
template <class T = void>
struct sent_request : request_start {
    T value;
};
template <>
struct sent_request<void> : request_start {};

/// A request whose response has come.
template <class T = void>
struct answered_request : sent_request<T> {
    /// Whether the response has the id of this request. Clients give an id twice, and old brokers answer with
    /// ids of their own; the order tells which request it is. Anything else is a fault of the broker.
    bool id_matches = true;
};

/// What became of a frame that was sent.
struct sent_frame {
    /// A response will come, and with it the value. If not, the value was not taken: a Produce with acks=0,
    /// or a token.
    bool awaits_response = false;
    bool is_token = false;   ///< a raw SASL token, which has no header
    bool repeats_id = false; ///< an earlier request with the same id is still waiting
};

/// What a correlator allows.
struct correlator_options {
    /// How many requests may wait for their responses.
    std::size_t most_in_flight = 1024;
    parse_options parse = {};   ///< with which the requests are parsed
    header_limits headers = {}; ///< and how many tags their headers may have
    /// Refuse ids that repeat and responses with the id of another request or of none, instead of telling of
    /// them.
    bool strict_ids = false;
};

/// The requests of one connection that wait for their responses, in the order in which they were sent.
///
/// Kafka responds in that order, and the order decides: each response is that to the oldest request, whatever
/// its id is, and `id_matches` says whether it is that request's. (With `strict_ids` other ids are refused. A
/// refusal changes nothing here, but the meaning of the connection's next bytes is then unknown.)
///
/// `T` is what the program keeps with each request: any object type whose move cannot throw. It need not be
/// default constructible nor copyable. Uses 8 bytes per request and those of `T`, grows up to the number that
/// may be in flight and then allocates no more.
///
/// After a successful response to SaslHandshake v0, frames in both directions are SASL tokens without a
/// header. The client's next request ends that: it is known by its API, version and client id, which no token
/// of Kafka's mechanisms can have (is_token). Not copyable or movable, like the readers of that connection,
/// and not for two threads at once.
template <class T = void>
class correlator : public detail::token_exchange {
    static_assert(std::is_void_v<T> || std::is_object_v<T>, "a reference is kept as a pointer");
    static_assert(std::is_void_v<T> || std::is_nothrow_move_constructible_v<T>,
                  "a value is moved while memory grows, which must not fail half-way");

public:
    correlator() noexcept = default;
    explicit correlator(correlator_options options) noexcept : options_(options) {}
    correlator(const correlator&) = delete;
    correlator& operator=(const correlator&) = delete;
    ~correlator() {
        while (count_ != 0) drop();
        if (ring_ != nullptr) allocator().deallocate(ring_, capacity_);
    }

    /// Records a frame that is about to be sent: a request, with or without a response, or a token.
    ///
    /// Errors: those of expects_response; too_many_in_flight if full(), which is also true after a
    /// SaslHandshake v0 that is not answered yet, since the response decides what the next frame is;
    /// duplicate_correlation_id with `strict_ids`. They name the API and version of the refused request.
    /// Throws std::bad_alloc if memory runs out. Nothing has changed then.
    [[nodiscard]] expected<sent_frame, error> sent(std::span<const std::byte> frame)
        requires std::is_void_v<T>
    {
        return note_frame(frame);
    }
    /// The same with the value that received() or abandon() gives back. It is constructed from `value` only
    /// if `awaits_response`; otherwise, and after a refusal or lack of memory, `value` is as it was.
    template <class Value = T>
        requires std::is_constructible_v<T, Value>
    [[nodiscard]] expected<sent_frame, error> sent(std::span<const std::byte> frame, Value&& value) {
        return note_frame(frame, std::forward<Value>(value));
    }

    /// The same for a request that the caller knows to be answered. Ends an exchange of tokens.
    [[nodiscard]] expected<sent_frame, error> sent(const request_start& request)
        requires std::is_void_v<T>
    {
        return note(request);
    }
    template <class Value = T>
        requires std::is_constructible_v<T, Value>
    [[nodiscard]] expected<sent_frame, error> sent(const request_start& request, Value&& value) {
        return note(request, std::forward<Value>(value));
    }

    /// Returns the request that the response in `frame` answers, and removes it; nullopt for a token.
    ///
    /// Errors: unknown_correlation_id if no request is waiting; truncated for frames of fewer than four
    /// bytes; with `strict_ids` also unknown_correlation_id for an id that no request has, and
    /// response_out_of_order for that of a later one. They name the API and version of the request whose turn
    /// it is.
    [[nodiscard]] expected<std::optional<answered_request<T>>, error>
    received(std::span<const std::byte> frame) noexcept {
        const bool has_id = frame.size() >= 4;
        const std::int32_t id = has_id ? wire::load_be<std::int32_t>(frame.data()) : 0;
        const bool id_matches = has_id && count_ != 0 && at(0).correlation_id == id;
        if (token_may_arrive() && !(id_matches && !exchanges_tokens())) {
            token_received();
            return std::nullopt;
        }
        if (!has_id)
            return unexpected(error{.code = errc::truncated,
                                    .needed = 4,
                                    .left = frame.size(),
                                    .message = response_header::facts.name});
        if (count_ == 0) return refuse(errc::unknown_correlation_id);
        if (options_.strict_ids && !id_matches)
            return refuse(waits(id) ? errc::response_out_of_order : errc::unknown_correlation_id, at(0));

        if (detail::is_raw_handshake(at(0).api, at(0).api_version) && frame.size() >= 6 &&
            error_code{wire::load_be<std::int16_t>(frame.data() + 4)} == error_code::none)
            begin_tokens();
        else
            end_tokens();
        return answered_request<T>{take(), id_matches};
    }

    /// Removes and returns the oldest request; nullopt if there is none. After the end of the connection,
    /// call it until nullopt, so that every request gets an outcome.
    [[nodiscard]] std::optional<sent_request<T>> abandon() noexcept {
        if (count_ == 0) return std::nullopt;
        return take();
    }

    /// The number of requests that wait for a response.
    [[nodiscard]] std::size_t in_flight() const noexcept { return count_; }
    /// Whether no more requests may be sent now: stop reading from the client.
    [[nodiscard]] bool full() const noexcept { return count_ >= options_.most_in_flight || handshakes(); }

    /// The oldest request with this correlation id that waits for its response; nullopt if none does. For who
    /// looks for a response in a stream of which bytes are missing (resync_responses). Takes time in
    /// proportion to the requests that wait.
    [[nodiscard]] std::optional<request_start> waiting(std::int32_t id) const noexcept {
        for (std::size_t i = 0; i < count_; ++i)
            if (at(i).correlation_id == id) return at(i);
        return std::nullopt;
    }

    /// Whether a frame of the client is a raw SASL token: frames are tokens now, and this one does not begin
    /// as a request does.
    ///
    /// A request begins with an API key below 256, a version below 32 (in ApiVersions any), and a client id
    /// that fits the frame, whether kwire knows the API and the version or not: what a broker could read as a
    /// request is never called a token. PLAIN tokens begin with text, or NUL and text, which as a version is
    /// above 31; SCRAM and OAUTHBEARER with text or 0x01, GSSAPI with 0x60 or 0x05, and none of them is a
    /// key. Tokens of other mechanisms may look like requests: then they are not to be exchanged without
    /// headers.
    [[nodiscard]] bool is_token(std::span<const std::byte> frame) const noexcept {
        return exchanges_tokens() && !detail::begins_any_request(frame);
    }
    /// The frames that follow have headers, whatever they look like.
    void end_of_tokens() noexcept { end_tokens(); }

private:
    static constexpr std::size_t first_capacity = 8;
    using allocator = std::allocator<sent_request<T>>;

    [[nodiscard]] static unexpected<error> refuse(errc code) noexcept {
        return unexpected(error{.code = code, .message = response_header::facts.name, .located = false});
    }
    [[nodiscard]] static unexpected<error> refuse(errc code, const request_start& request) noexcept {
        const std::string_view name = facts_of(request.api).name;
        return unexpected(error{.code = code,
                                .message = name.empty() ? request_header::facts.name : name,
                                .version = request.api_version,
                                .located = false});
    }

    /// The waiting request number `i`, counted from the oldest one.
    [[nodiscard]] std::size_t place_of(std::size_t i) const noexcept {
        const std::size_t place = first_ + i; // less than twice the capacity
        return place < capacity_ ? place : place - capacity_;
    }
    [[nodiscard]] const sent_request<T>& at(std::size_t i) const noexcept { return ring_[place_of(i)]; }
    [[nodiscard]] bool waits(std::int32_t id) const noexcept { return waiting(id).has_value(); }
    [[nodiscard]] bool handshakes() const noexcept {
        return count_ != 0 && detail::is_raw_handshake(at(count_ - 1).api, at(count_ - 1).api_version);
    }

    template <class... Value>
    [[nodiscard]] expected<sent_frame, error> note_frame(std::span<const std::byte> frame, Value&&... value) {
        if (is_token(frame)) {
            token_sent();
            return sent_frame{.is_token = true};
        }
        const auto answered = expects_response(frame, options_.parse, options_.headers);
        if (!answered) return unexpected(answered.error());
        const request_start start = *peek_request(frame);
        if (*answered) return note(start, std::forward<Value>(value)...);
        if (handshakes()) return refuse(errc::too_many_in_flight, start);
        request_sent();
        return sent_frame{};
    }

    template <class... Value>
    [[nodiscard]] expected<sent_frame, error> note(const request_start& request, Value&&... value) {
        if (full()) return refuse(errc::too_many_in_flight, request);
        // Clients count upwards, so the comparison with the last id is usually enough. The search is for
        // other clients, and while ids from before a wrap-around are waiting.
        const bool above = count_ == 0 || request.correlation_id > at(count_ - 1).correlation_id;
        const bool repeats = !(above && rising_ >= count_) && waits(request.correlation_id);
        if (repeats && options_.strict_ids) return refuse(errc::duplicate_correlation_id, request);
        if (count_ == capacity_) grow();
        // In place and last: if the value cannot be constructed, nothing has changed.
        ::new (static_cast<void*>(ring_ + place_of(count_)))
            sent_request<T>{request, T(std::forward<Value>(value))...};
        rising_ = above ? std::min(rising_, count_) + 1 : 1;
        ++count_;
        request_sent();
        return sent_frame{.awaits_response = true, .repeats_id = repeats};
    }
    [[nodiscard]] sent_request<T> take() noexcept {
        sent_request<T> oldest = std::move(ring_[first_]);
        drop();
        return oldest;
    }
    void drop() noexcept {
        std::destroy_at(ring_ + first_);
        first_ = first_ + 1 < capacity_ ? first_ + 1 : 0;
        --count_;
    }
    void grow() {
        const std::size_t capacity =
            std::min(options_.most_in_flight, std::max(first_capacity, 2 * capacity_));
        sent_request<T>* const larger = allocator().allocate(capacity);
        for (std::size_t i = 0; i < count_; ++i) {
            sent_request<T>& moved = ring_[place_of(i)];
            ::new (static_cast<void*>(larger + i)) sent_request<T>(std::move(moved));
            std::destroy_at(&moved);
        }
        if (ring_ != nullptr) allocator().deallocate(ring_, capacity_);
        ring_ = larger;
        capacity_ = capacity;
        first_ = 0;
    }

    correlator_options options_;
    sent_request<T>* ring_ = nullptr; ///< memory for `capacity_` requests, of which `count_` exist
    std::size_t capacity_ = 0;
    std::size_t first_ = 0; ///< the position of the oldest request
    std::size_t count_ = 0;
    /// A lower bound of the length of the strictly increasing run of ids at the end of the ring.
    std::size_t rising_ = 0;
};

} // namespace kwire::inline KWIRE_ABI
