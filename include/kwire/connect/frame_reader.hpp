/// Splits a stream of bytes into frames, many of them out of one read. Does no I/O.
///
///     kwire::request_reader reader; // response_reader for what a broker sends
///     for (;;) {
///         auto frame = reader.next();
///         if (!frame) return close(frame.error());
///         if (*frame) handle(**frame); // a shared_buffer that may be written to
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
#include <kwire/connect/detail/read_window.hpp>
#include <kwire/connect/detail/token_exchange.hpp>
#include <kwire/connect/request_start.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/wire/endian.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace kwire::inline KWIRE_ABI {

/// How long a frame may be, in bytes, without the four bytes of the length itself; and how far a reader may
/// read ahead.
struct frame_limits {
    std::uint32_t max_frame_bytes = 104'857'600; ///< the default of a Kafka broker (socket.request.max.bytes)
    /// How many bytes a read may bring beyond the frame that it is for. With 0 a reader reads exactly: four
    /// bytes of length, then the frame, and each frame has memory of its own.
    std::uint32_t read_ahead_bytes = 65'536;

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

/// A part of a frame that is too large to be wanted whole.
struct frame_piece {
    /// These bytes of the frame.
    shared_buffer bytes;
    std::uint32_t offset = 0;     ///< of these bytes in the frame
    std::uint32_t frame_size = 0; ///< of all of it, without its length

    /// Whether these are all bytes of the frame.
    [[nodiscard]] bool is_whole() const noexcept { return bytes.size() == frame_size; }
    [[nodiscard]] bool is_first() const noexcept { return offset == 0; }
    [[nodiscard]] bool is_last() const noexcept { return offset + bytes.size() == frame_size; }
};

/// The reader of one direction of one connection: prepare(), read into it, commit(), and next() until it
/// returns nullopt. A program makes a request_reader or a response_reader, and may pass either on as this.
///
/// Every frame is a buffer of its own: its last holder may write to it. Frames that arrive together share the
/// memory into which they were read, in disjoint regions; so one that is kept keeps its neighbours' bytes
/// too, at most 80 KiB by default (shared_buffer::pinned_bytes tells, detach() makes it
/// independent). A reader reads ahead only as far as its peer has sent ahead before: 2 KiB at first. A frame
/// of more than a quarter of the read-ahead has memory of its own unless it is there already, and the rest of
/// it is read into that: one frame takes two reads at most, if its bytes are there.
///
/// Bytes of a frame that was begun in other memory are moved, at most as many as are read ahead:
/// moved_bytes() counts them. Nothing else is copied (on Linux; elsewhere only growth beyond 64 KiB copies,
/// and that copy is counted in copied_bytes()).
///
/// Memory grows with the bytes received and never with the claimed length: 64 KiB at first, up to 1 MiB of
/// address space once 2 KiB have come, then at most twice what has arrived and at most 1 MiB more. Pages are
/// used as bytes arrive. Those of frames of more than 256 KiB come back by page_pool.
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
        look_at_length();
        if (failure_ || complete()) return {};
        if (!has_length_) return window_.room(length_size);
        if (in_pieces_) return window_.room(rest_of_pieces());
        if (!in_memory_ && window_.holds(length_size + size_)) return window_.room(length_size + size_);
        if (!in_memory_) begin_in_memory();
        if (filled_ == memory_.capacity()) {
            memory_.grow(filled_ + smaller(size_ - filled_, smaller(filled_, largest_step)), filled_);
            ++allocations_;
        }
        return {memory_.data() + filled_, room()};
    }

    /// Declares the first `n` bytes of prepare() received. Aborts if `n` is larger than that span.
    void commit(std::size_t n) noexcept {
        if (n == 0) return;
        detail::require(!failure_);
        const std::size_t offered = in_memory_ ? room() : window_.offered();
        detail::require(n <= offered);
        ++reads_;
        bytes_ += n;
        more_may_wait_ = n == offered;
        if (in_memory_) {
            filled_ += n;
        } else {
            window_.commit(n);
            if (first_frame_) look_at_length();
        }
        if (suspicious_) [[unlikely]]
            look_at_start();
    }

    /// The next complete frame without its length, or nullopt if bytes are missing.
    ///
    /// Errors, at byte 0 of the frame: frame_too_large with the length as `needed` and the limit as `left`;
    /// bad_frame_length for lengths that are negative or below the shortest header; and for the first frame
    /// not_a_kafka_peer, whose `message` says what the bytes look like: "TLS alert", "HTTP response". Throws
    /// std::bad_alloc if memory runs out; the next call then returns the frame.
    [[nodiscard]] expected<std::optional<shared_buffer>, error> next() {
        look_at_length();
        if (failure_) return unexpected(*failure_);
        detail::require(!in_pieces_);
        if (!complete()) return std::optional<shared_buffer>{};
        if (direction_ == detail::direction::requests) {
            note_request(arrived());
            if (failure_) return unexpected(*failure_);
        }
        shared_buffer frame;
        if (in_memory_)
            frame = memory_.take(size_);
        else if (size_ != 0)
            frame = window_.take(length_size, size_);
        else
            window_.drop(length_size);
        frame_is_taken();
        return std::optional(std::move(frame));
    }

    /// As next(), but gives a frame of `from` bytes and more in pieces, in order, as they arrive: so that
    /// memory does not grow with it, whatever its size. Smaller frames come whole.
    ///
    /// Each piece has at most as many bytes as are read ahead; a reader that reads exactly gives whole
    /// frames. A piece may be kept, and then keeps what was read with it. Errors as next(). Aborts if next()
    /// has begun the frame, and so does next() after a first piece.
    [[nodiscard]] expected<std::optional<frame_piece>, error> next_piece(std::size_t from = largest_step) {
        look_at_length();
        if (failure_) return unexpected(*failure_);
        if (!has_length_) return std::optional<frame_piece>{};
        if (!in_pieces_) {
            if (size_ < from || complete() || !window_.reads_ahead()) {
                auto frame = next();
                if (!frame) return unexpected(frame.error());
                if (!*frame) return std::optional<frame_piece>{};
                const auto size = static_cast<std::uint32_t>((*frame)->size());
                return frame_piece{**std::move(frame), 0, size};
            }
            detail::require(!in_memory_);
            in_pieces_ = true;
        }
        if (!piece_is_there()) return std::optional<frame_piece>{};
        const std::size_t there = smaller(pending_of_piece(), size_ - filled_);
        if (filled_ == 0 && direction_ == detail::direction::requests) {
            note_request(arrived());
            if (failure_) return unexpected(*failure_);
        }
        frame_piece piece{window_.take(filled_ == 0 ? length_size : 0, there),
                          static_cast<std::uint32_t>(filled_), static_cast<std::uint32_t>(size_)};
        filled_ += there;
        if (filled_ == size_) frame_is_taken();
        return std::optional(std::move(piece));
    }

    /// Whether next() would return a frame, or next_piece() a further piece, or the error of failure(): no
    /// read is needed.
    [[nodiscard]] bool has_frame_or_failed() noexcept {
        look_at_length();
        return failure_ || complete() || (in_pieces_ && piece_is_there());
    }
    /// The error after which nothing is read, if there was one.
    [[nodiscard]] const std::optional<error>& failure() const noexcept { return failure_; }

    /// The error if the stream ends now: nullopt between frames, not_a_kafka_peer or truncated inside a
    /// frame, or the earlier error.
    [[nodiscard]] std::optional<error> end_of_stream() const noexcept {
        if (failure_ || (!has_length_ && window_.pending().empty())) return failure_;
        const std::size_t there = window_.pending().size();
        if (!has_length_ && there < length_size) return cut_short(length_size, there);
        const std::size_t size = has_length_ ? size_ : claimed();
        const std::size_t left = in_memory_   ? filled_
                                 : in_pieces_ ? filled_ + pending_of_piece()
                                              : there - length_size;
        return left >= size ? failure_ : cut_short(size, left);
    }

    /// Sets the limit for the frames that follow, for example after authentication.
    void set_max_frame_bytes(std::uint32_t n) noexcept { limits_.max_frame_bytes = n; }
    /// Sets the shortest frame: by default that of a header, and 0 while raw SASL tokens may come. For a
    /// client without a correlator that exchanges such tokens: 0, and 4 afterwards.
    void set_min_frame_bytes(std::uint32_t n) noexcept { min_frame_bytes_ = n; }

    /// Bytes of memory that the reader has now, for what is not a frame yet.
    [[nodiscard]] std::size_t capacity() const noexcept { return memory_.capacity() + window_.capacity(); }
    /// Frees that memory if no byte waits in it: before a connection waits for its peer. The bytes of
    /// prepare() are not valid any more.
    void release_memory() noexcept {
        if (!in_memory_) window_.release();
    }

    /// Whether the last read filled its room, so that another one may find bytes at once; true at first.
    [[nodiscard]] bool more_may_wait() const noexcept { return more_may_wait_; }
    /// How often bytes were committed, how many these were, and how many frames came out of them.
    [[nodiscard]] std::uint64_t reads() const noexcept { return reads_; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::uint64_t frames() const noexcept { return frames_; }
    /// How many bytes were moved since a frame went on in other memory than it was begun in.
    [[nodiscard]] std::uint64_t moved_bytes() const noexcept { return window_.moved(); }
    /// How often memory for frames was taken, or made larger; not counted are the small blocks with the
    /// reference counts of many frames.
    [[nodiscard]] std::uint64_t allocations() const noexcept { return allocations_ + window_.allocations(); }

protected:
    basic_frame_reader(detail::direction direction, std::uint32_t min_frame_bytes, frame_limits in_force,
                       const detail::token_exchange* exchange) noexcept
        : limits_(in_force),
          min_frame_bytes_(min_frame_bytes),
          direction_(direction),
          exchange_(exchange),
          window_(in_force.read_ahead_bytes) {}
    ~basic_frame_reader() = default; // not public: deleted as this, a reader would not end as what it is

private:
    static constexpr std::size_t length_size = 4;
    static constexpr std::size_t first_capacity = std::size_t{64} * 1024;
    static constexpr std::size_t largest_step = std::size_t{1024} * 1024;

    static std::size_t smaller(std::size_t a, std::size_t b) noexcept { return a < b ? a : b; }

    [[nodiscard]] bool complete() const noexcept {
        return has_length_ && !failure_ && !in_pieces_ &&
               (in_memory_ ? filled_ == size_ : window_.pending().size() - length_size >= size_);
    }
    [[nodiscard]] std::size_t room() const noexcept { return smaller(memory_.capacity(), size_) - filled_; }
    void frame_is_taken() noexcept {
        has_length_ = in_memory_ = in_pieces_ = first_frame_ = false;
        size_ = filled_ = 0;
        ++frames_;
    }
    /// The pending bytes after the length, which goes with the first piece.
    [[nodiscard]] std::size_t pending_of_piece() const noexcept {
        return window_.pending().size() - (filled_ == 0 ? length_size : 0);
    }
    /// The first piece shows at least what kind of request it is.
    [[nodiscard]] bool piece_is_there() const noexcept {
        const std::size_t least = filled_ == 0 ? smaller(size_, detail::request_start_bytes) : 1;
        return !suspicious_ && pending_of_piece() >= least;
    }
    /// What has arrived of the frame, whose length is known and of which no piece was taken.
    [[nodiscard]] std::span<const std::byte> arrived() const noexcept {
        if (in_memory_) return {memory_.data(), filled_};
        const auto bytes = window_.pending().subspan(length_size);
        return bytes.first(smaller(bytes.size(), size_));
    }
    /// How many bytes from the first pending one on the window is asked for.
    [[nodiscard]] std::size_t rest_of_pieces() const noexcept { return window_.pending().size() + 1; }
    /// The length that the pending bytes begin with.
    [[nodiscard]] std::uint32_t claimed() const noexcept {
        return wire::load_be<std::uint32_t>(window_.pending().data());
    }

    /// Memory for the frame alone, with what the window has of it.
    KWIRE_NOINLINE void begin_in_memory() {
        const std::size_t there = window_.pending().size() - length_size;
        const std::size_t some = there > largest_step / 512 ? largest_step : 512 * there;
        const std::size_t first = some > first_capacity ? some : first_capacity;
        memory_.begin(size_, smaller(size_, first > 2 * there ? first : 2 * there));
        ++allocations_;
        window_.move_to(memory_.data(), length_size);
        filled_ = there;
        in_memory_ = true;
    }

    void look_at_length() noexcept {
        if (has_length_ || failure_ || window_.pending().size() < length_size) return;
        const std::uint32_t size = claimed();
        const bool negative = size > INT32_MAX, too_large = !negative && size > limits_.max_frame_bytes;
        const std::uint32_t least = tokens_may_come() ? 0 : min_frame_bytes_;
        if (negative || too_large || size < least) [[unlikely]] {
            const std::string_view name =
                first_frame_ ? peer_by(window_.pending().first(length_size)).name : "";
            if (!name.empty())
                fail(foreign(name));
            else if (too_large)
                fail({.code = errc::frame_too_large, .needed = size, .left = limits_.max_frame_bytes});
            else if (negative)
                fail({.code = errc::bad_frame_length});
            else
                fail({.code = errc::bad_frame_length, .needed = least, .left = size});
            return;
        }
        size_ = size;
        has_length_ = true;
        suspicious_ = first_frame_ && !peer_by(window_.pending().first(length_size)).name.empty();
    }

    void fail(const error& why) noexcept {
        failure_ = why;
        memory_ = Memory();
        window_.clear();
    }
    [[nodiscard]] static error foreign(std::string_view name) noexcept {
        return {.code = errc::not_a_kafka_peer, .message = name};
    }
    [[nodiscard]] bool tokens_may_come() const noexcept {
        return raw_tokens_ || (exchange_ != nullptr && exchange_->token_may_arrive());
    }

    /// What the stream looks like, of which these are the first bytes, length included.
    [[nodiscard]] detail::foreign_peer peer_by(std::span<const std::byte> bytes) const noexcept {
        detail::foreign_peer found =
            bytes.size() < length_size ? detail::foreign_peer() : detail::foreign_peer_of(bytes);
        if (found.name.empty() && direction_ == detail::direction::requests)
            found.name = detail::socks_client_of(bytes);
        return found;
    }
    /// The same of the first frame as far as it has arrived.
    [[nodiscard]] detail::foreign_peer peer() const noexcept {
        if (!has_length_) return peer_by(window_.pending());
        std::array<std::byte, detail::foreign_peer_bytes> start{};
        wire::store_be(start.data(), static_cast<std::uint32_t>(size_));
        std::size_t n = length_size;
        for (const std::byte each : arrived().first(smaller(arrived().size(), start.size() - n)))
            start[n++] = each;
        return peer_by(std::span(start).first(n));
    }
    /// Whether the bytes are a request all the same.
    [[nodiscard]] bool is_request() const noexcept {
        return direction_ == detail::direction::requests && has_length_ && !arrived().empty() &&
               detail::is_request_after_all(arrived(), size_);
    }
    [[nodiscard]] error cut_short(std::size_t needed, std::size_t left) const noexcept {
        const bool was_begun = in_pieces_ && filled_ != 0; // as a frame of Kafka, and its start is gone
        if (first_frame_ && !was_begun)
            if (const auto found = peer(); !found.name.empty() && !is_request()) return foreign(found.name);
        return {.code = errc::truncated, .needed = needed, .left = left};
    }
    /// A length within the limit that looks like another protocol: the bytes after it decide.
    void look_at_start() noexcept {
        constexpr std::size_t enough = 256; // of a TLS hello not all random bytes pass for a client id
        const detail::foreign_peer found = peer();
        if (found.sure && !is_request())
            fail(foreign(found.name));
        else
            suspicious_ = !found.name.empty() && arrived().size() < enough;
    }

    /// Follows the exchange of raw SASL tokens: it may begin after a SaslHandshake v0, and ends with the next
    /// request. A token without a handshake is refused by its name.
    void note_request(std::span<const std::byte> frame) noexcept {
        if (frame.size() < 4) return;
        const auto api = static_cast<api_key>(wire::load_be<std::int16_t>(frame.data()));
        if (detail::is_raw_handshake(api, wire::load_be<std::int16_t>(frame.data() + 2)))
            raw_tokens_ = true;
        else if (raw_tokens_)
            raw_tokens_ = !detail::begins_any_request(frame, size_);
        else if (first_frame_ && min_frame_bytes_ != 0) [[unlikely]]
            if (const std::string_view name = detail::token_name(frame); !name.empty()) fail(foreign(name));
    }

    frame_limits limits_;
    std::uint32_t min_frame_bytes_;
    detail::direction direction_;
    const detail::token_exchange* exchange_;
    std::size_t size_ = 0;   ///< the length of the frame, once it has been read
    std::size_t filled_ = 0; ///< how many of these bytes have arrived in memory_
    bool has_length_ = false;
    bool in_memory_ = false; ///< the frame is in memory_, otherwise in window_
    bool in_pieces_ = false; ///< it is taken in pieces, of which filled_ bytes are gone
    bool first_frame_ = true;
    bool suspicious_ = false; ///< the first length is also how another protocol begins
    bool raw_tokens_ = false; ///< a SaslHandshake v0 was read, and no request since
    bool more_may_wait_ = true;
    std::uint64_t reads_ = 0, bytes_ = 0, frames_ = 0, allocations_ = 0;
    std::optional<error> failure_;
    detail::read_window window_;
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
    explicit basic_request_reader(frame_limits in_force) noexcept
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
    explicit basic_response_reader(frame_limits in_force) noexcept
        : basic_frame_reader<Memory>(detail::direction::responses, 4, in_force, nullptr) {}
    explicit basic_response_reader(const detail::token_exchange& pending KWIRE_LIFETIMEBOUND,
                                   frame_limits in_force = {}) noexcept
        : basic_frame_reader<Memory>(detail::direction::responses, 4, in_force, &pending) {}
    basic_response_reader(const detail::token_exchange&& pending, frame_limits in_force = {}) = delete;
};

/// The readers for this platform, and what they have in common.
using frame_reader = basic_frame_reader<detail::growing_memory>;
using request_reader = basic_request_reader<detail::growing_memory>;
using response_reader = basic_response_reader<detail::growing_memory>;

} // namespace kwire::inline KWIRE_ABI
