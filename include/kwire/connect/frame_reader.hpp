/// Splits a stream of bytes into frames. Does no I/O and never moves a byte of a frame.
///
///     kwire::request_reader reader; // response_reader for what a broker sends
///     for (;;) {
///         auto frame = reader.next();
///         if (!frame) return close(frame.error());
///         if (*frame) handle(**frame); // a shared_buffer that keeps only its own frame alive
///         else reader.commit(socket.read_some(reader.prepare()));
///     }
///
/// A proxy, or a client, gives the reader of responses the correlator of the connection, which knows when the
/// broker sends raw SASL tokens, of any length:
///
///     kwire::correlator<> pending;
///     kwire::request_reader from_client;
///     kwire::response_reader from_broker{pending};
#pragma once

#include <kwire/buffer/detail/growing_memory.hpp>
#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/connect/detail/foreign_peer.hpp>
#include <kwire/connect/detail/token_exchange.hpp>
#include <kwire/connect/request_start.hpp>
#include <kwire/error.hpp>
#include <kwire/wire/endian.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

namespace kwire {

/// Limits for the length of a frame, in bytes, without the four bytes of the length itself.
struct frame_limits {
    std::uint32_t max_frame_bytes = 104'857'600; ///< the default of a Kafka broker (socket.request.max.bytes)

    /// For a peer that has not authenticated yet: at most 512 KiB, as in Kafka
    /// (sasl.server.max.receive.size).
    [[nodiscard]] static constexpr frame_limits before_authentication() noexcept {
        return {.max_frame_bytes = 524'288};
    }
};

namespace detail {

enum class direction : std::uint8_t {
    requests,
    responses
};

} // namespace detail

/// The reader of one direction of one connection: prepare(), read into it, commit(), and next() until it
/// returns nullopt. A program makes a request_reader or a response_reader, and may pass either on as this.
///
/// It requests the four bytes of the length first, then the rest of that frame and not one byte more. So
/// every frame has its own memory, is never copied (on Linux; elsewhere only growth beyond 16 KiB copies, and
/// the copy is counted), and its last owner may write to it. Memory grows with the bytes received and never
/// with the claimed length: 16 KiB at first, then at most twice what has arrived and at most 1 MiB more.
/// On Linux a frame of more than 16 KiB is a mapping of its own while it is kept, and a process has some
/// 65,000 of them (vm.max_map_count): who keeps more frames than that joins them or copies small parts out.
///
/// After the first refusal, next() returns the same error every time and prepare() is empty. Not copyable or
/// movable, since a read may be in progress. One thread at a time; frames do not depend on the reader.
template <class Memory>
class basic_frame_reader {
public:
    basic_frame_reader(const basic_frame_reader&) = delete;
    basic_frame_reader& operator=(const basic_frame_reader&) = delete;

    /// Uninitialised memory for the next bytes; valid until commit() or next().
    ///
    /// Empty only while a complete frame waits for next(), and after an error: do not read then, since a read
    /// of zero bytes looks like the end of the stream. Throws std::bad_alloc if memory runs out; the state is
    /// then unchanged.
    [[nodiscard]] std::span<std::byte> prepare() KWIRE_LIFETIMEBOUND {
        if (failure_ || complete()) return {};
        if (in_length()) return std::span(length_).subspan(length_filled_);
        if (memory_.capacity() == 0)
            memory_.begin(size_, smaller(size_, first_capacity));
        else if (filled_ == memory_.capacity())
            memory_.grow(filled_ + smaller(size_ - filled_, smaller(filled_, largest_step)), filled_);
        return {memory_.data() + filled_, room()};
    }

    /// Declares the first `n` bytes of prepare() received. Aborts if `n` is larger than that span.
    void commit(std::size_t n) noexcept {
        if (n == 0) return;
        detail::require(!failure_);
        if (!in_length()) {
            detail::require(n <= room());
            filled_ += n;
            if (suspicious_) [[unlikely]]
                look_at_start();
            return;
        }
        detail::require(n <= length_.size() - length_filled_);
        length_filled_ += n;
        if (!in_length()) take_length();
    }

    /// The next complete frame without its length, or nullopt if bytes are missing.
    ///
    /// Errors, at byte 0 of the frame: frame_too_large with the length as `needed` and the limit as `left`;
    /// bad_frame_length for lengths that are negative or below the shortest header; and for the first frame
    /// not_a_kafka_peer, whose `message` says what the bytes look like: "TLS alert", "HTTP response". Throws
    /// std::bad_alloc if memory runs out; the next call then returns the frame.
    [[nodiscard]] std::expected<std::optional<shared_buffer>, error> next() {
        if (failure_) return std::unexpected(*failure_);
        if (!complete()) return std::optional<shared_buffer>{};
        if (direction_ == detail::direction::requests) {
            note_request({memory_.data(), size_});
            if (failure_) return std::unexpected(*failure_);
        }
        shared_buffer frame;
        if (size_ != 0) frame = memory_.take(size_);
        length_filled_ = 0;
        size_ = 0;
        filled_ = 0;
        first_frame_ = false;
        return std::optional(std::move(frame));
    }

    /// The error if the stream ends now: nullopt between frames, not_a_kafka_peer or truncated inside a
    /// frame, or the earlier error.
    [[nodiscard]] std::optional<error> end_of_stream() const noexcept {
        if (failure_ || length_filled_ == 0 || complete()) return failure_;
        if (first_frame_)
            if (const auto found = peer(); !found.name.empty() && !is_request()) return foreign(found.name);
        if (in_length())
            return error{.code = errc::truncated, .needed = length_.size(), .left = length_filled_};
        return error{.code = errc::truncated, .needed = size_, .left = filled_};
    }

    /// Sets the limit for the frames that follow, for example after authentication.
    void set_max_frame_bytes(std::uint32_t n) noexcept { limits_.max_frame_bytes = n; }
    /// Sets the shortest frame: by default that of a header, and 0 while raw SASL tokens may come. For a
    /// client without a correlator that exchanges such tokens: 0, and 4 afterwards.
    void set_min_frame_bytes(std::uint32_t n) noexcept { min_frame_bytes_ = n; }

    /// Bytes of memory that the incomplete frame has now.
    [[nodiscard]] std::size_t capacity() const noexcept { return memory_.capacity(); }

protected:
    basic_frame_reader(detail::direction direction, std::uint32_t min_frame_bytes,
                       const frame_limits& in_force, const detail::token_exchange* exchange) noexcept
        : limits_(in_force), min_frame_bytes_(min_frame_bytes), direction_(direction), exchange_(exchange) {}
    ~basic_frame_reader() = default; // not public: deleted as this, a reader would not end as what it is

private:
    static constexpr std::size_t first_capacity = std::size_t{16} * 1024;
    static constexpr std::size_t largest_step = std::size_t{1024} * 1024;

    static std::size_t smaller(std::size_t a, std::size_t b) noexcept { return a < b ? a : b; }

    [[nodiscard]] bool in_length() const noexcept { return length_filled_ < length_.size(); }
    [[nodiscard]] bool complete() const noexcept { return !in_length() && !failure_ && filled_ == size_; }
    [[nodiscard]] std::size_t room() const noexcept { return smaller(memory_.capacity(), size_) - filled_; }

    void take_length() noexcept {
        const auto claimed = wire::load_be<std::int32_t>(length_.data());
        const auto size = static_cast<std::uint32_t>(claimed);
        const bool negative = claimed < 0, too_large = !negative && size > limits_.max_frame_bytes;
        const std::uint32_t least = tokens_may_come() ? 0 : min_frame_bytes_;
        if (negative || too_large || size < least) {
            const std::string_view name = first_frame_ ? peer().name : std::string_view();
            if (!name.empty())
                failure_ = foreign(name);
            else if (too_large)
                failure_ =
                    error{.code = errc::frame_too_large, .needed = size, .left = limits_.max_frame_bytes};
            else if (negative)
                failure_ = error{.code = errc::bad_frame_length};
            else
                failure_ = error{.code = errc::bad_frame_length, .needed = least, .left = size};
            return;
        }
        size_ = size;
        suspicious_ = first_frame_ && !peer().name.empty();
    }

    [[nodiscard]] static error foreign(std::string_view name) noexcept {
        return {.code = errc::not_a_kafka_peer, .message = name};
    }
    [[nodiscard]] bool tokens_may_come() const noexcept {
        return raw_tokens_ || (exchange_ != nullptr && exchange_->token_may_arrive());
    }

    /// What the first bytes of the stream look like, length included, as far as they have arrived.
    [[nodiscard]] detail::foreign_peer peer() const noexcept {
        std::array<std::byte, detail::foreign_peer_bytes> start{};
        std::size_t n = length_filled_;
        for (std::size_t i = 0; i < n; ++i) start[i] = length_[i];
        for (std::size_t i = 0; i < filled_ && n < start.size(); ++i) start[n++] = memory_.data()[i];
        const auto bytes = std::span(start).first(n);
        detail::foreign_peer found = in_length() ? detail::foreign_peer() : detail::foreign_peer_of(bytes);
        if (found.name.empty() && direction_ == detail::direction::requests)
            found.name = detail::socks_client_of(bytes);
        return found;
    }
    /// Whether the bytes are a request all the same.
    [[nodiscard]] bool is_request() const noexcept {
        return direction_ == detail::direction::requests && filled_ != 0 &&
               detail::is_request_after_all({memory_.data(), filled_}, size_);
    }
    /// A length within the limit that looks like another protocol: the bytes after it decide.
    void look_at_start() noexcept {
        constexpr std::size_t enough = 256; // of a TLS hello not all random bytes pass for a client id
        const detail::foreign_peer found = peer();
        if (found.sure && !is_request()) {
            failure_ = foreign(found.name);
            memory_ = Memory();
        } else {
            suspicious_ = !found.name.empty() && filled_ < enough;
        }
    }

    /// Follows the exchange of raw SASL tokens: it may begin after a SaslHandshake v0, and ends with the next
    /// request. A token without a handshake is refused by its name.
    void note_request(std::span<const std::byte> frame) noexcept {
        if (frame.size() < 4) return;
        const auto api = static_cast<api_key>(wire::load_be<std::int16_t>(frame.data()));
        if (detail::is_raw_handshake(api, wire::load_be<std::int16_t>(frame.data() + 2)))
            raw_tokens_ = true;
        else if (raw_tokens_)
            raw_tokens_ = !detail::begins_any_request(frame);
        else if (first_frame_ && min_frame_bytes_ != 0) [[unlikely]]
            if (const std::string_view name = detail::token_name(frame); !name.empty()) {
                failure_ = foreign(name);
                memory_ = Memory();
            }
    }

    frame_limits limits_;
    std::uint32_t min_frame_bytes_;
    detail::direction direction_;
    std::array<std::byte, 4> length_{};
    std::size_t length_filled_ = 0;
    std::size_t size_ = 0;   ///< the length of the frame, once it has been read
    std::size_t filled_ = 0; ///< how many of these bytes have arrived
    bool first_frame_ = true;
    bool suspicious_ = false; ///< the first length is also how another protocol begins
    bool raw_tokens_ = false; ///< a SaslHandshake v0 was read, and no request since
    const detail::token_exchange* exchange_;
    std::optional<error> failure_;
    Memory memory_;
};

/// Reads what clients send: for brokers, and for the client's side of proxies.
///
/// No frame is shorter than 8 bytes, the header of version 0 without a client id. After a SaslHandshake v0
/// frames are raw SASL tokens of any length, none included, until the next request.
template <class Memory>
class basic_request_reader : public basic_frame_reader<Memory> {
public:
    basic_request_reader() noexcept : basic_request_reader(frame_limits{}) {}
    explicit basic_request_reader(const frame_limits& in_force) noexcept
        : basic_frame_reader<Memory>(detail::direction::requests, 8, in_force, nullptr) {}
};

/// Reads what a broker sends: for clients, and for the broker's side of proxies.
///
/// No frame is shorter than 4 bytes, a correlation id; except while the correlator of the connection
/// exchanges raw SASL tokens, of any length. The correlator outlives the reader.
template <class Memory>
class basic_response_reader : public basic_frame_reader<Memory> {
public:
    basic_response_reader() noexcept : basic_response_reader(frame_limits{}) {}
    explicit basic_response_reader(const frame_limits& in_force) noexcept
        : basic_frame_reader<Memory>(detail::direction::responses, 4, in_force, nullptr) {}
    explicit basic_response_reader(const detail::token_exchange& pending KWIRE_LIFETIMEBOUND,
                                   const frame_limits& in_force = {}) noexcept
        : basic_frame_reader<Memory>(detail::direction::responses, 4, in_force, &pending) {}
    basic_response_reader(const detail::token_exchange&& pending, const frame_limits& in_force = {}) = delete;
};

/// The readers for this platform, and what they have in common.
using frame_reader = basic_frame_reader<detail::growing_memory>;
using request_reader = basic_request_reader<detail::growing_memory>;
using response_reader = basic_response_reader<detail::growing_memory>;

} // namespace kwire
