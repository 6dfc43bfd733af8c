/// Splits a stream of bytes into frames. Does no I/O and never moves a byte of a frame.
///
///     kwire::frame_reader reader;
///     for (;;) {
///         auto frame = reader.next();
///         if (!frame) return close(frame.error());
///         if (*frame) handle(**frame); // a shared_buffer that keeps only its own frame alive
///         else reader.commit(socket.read_some(reader.prepare()));
///     }
#pragma once

#include <kwire/buffer/detail/growing_memory.hpp>
#include <kwire/buffer/unique_buffer.hpp>
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
    /// The shortest request header, that of version 0 without a client id. Set it to 0 while raw SASL tokens
    /// are exchanged.
    std::uint32_t min_frame_bytes = 8;

    /// For a peer that has not authenticated yet: at most 512 KiB, as in Kafka
    /// (sasl.server.max.receive.size).
    [[nodiscard]] static constexpr frame_limits before_authentication() noexcept {
        return {.max_frame_bytes = 524'288};
    }
};

namespace detail {

/// True if a stream that begins with these four bytes is TLS, HTTP or SSH instead of Kafka.
[[nodiscard]] inline bool is_foreign_banner(const std::array<std::byte, 4>& start) noexcept {
    constexpr std::byte tls_handshake{0x16}, tls_alert{0x15}, tls_major_version{0x03};
    if ((start[0] == tls_handshake || start[0] == tls_alert) && start[1] == tls_major_version) return true;
    const std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
    for (std::string_view banner : {"GET ", "POST", "HEAD", "PUT ", "DELE", "OPTI", "CONN", "PRI ", "SSH-"})
        if (text == banner) return true;
    return false;
}

} // namespace detail

/// The reader of one connection: prepare(), read into it, commit(), and next() until it returns nullopt.
///
/// It requests the four bytes of the length first, then the rest of that frame and not one byte more. So
/// every frame has its own memory, is never copied (on Linux; elsewhere only growth beyond 16 KiB copies, and
/// the copy is counted), and its last owner may write to it. Memory grows with the bytes received and never
/// with the claimed length: 16 KiB at first, then at most twice what has arrived and at most 1 MiB more.
///
/// After the first refused length, next() returns the same error every time and prepare() is empty. Not
/// copyable or movable, since a read may be in progress. One thread at a time; frames do not depend on the
/// reader.
template <class Memory>
class basic_frame_reader {
public:
    explicit basic_frame_reader(const frame_limits& in_force = {}) noexcept : limits_(in_force) {}
    basic_frame_reader(const basic_frame_reader&) = delete;
    basic_frame_reader& operator=(const basic_frame_reader&) = delete;
    ~basic_frame_reader() = default;

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
        if (!in_length()) {
            detail::require(n <= room());
            filled_ += n;
            return;
        }
        detail::require(!failure_ && n <= length_.size() - length_filled_);
        length_filled_ += n;
        if (!in_length()) take_length();
    }

    /// The next complete frame without its length, or nullopt if bytes are missing.
    ///
    /// Errors, at byte 0 of the frame: not_a_kafka_peer (only for the first frame), frame_too_large with the
    /// length as `needed` and the limit as `left`, bad_frame_length for lengths that are negative or below
    /// the minimum. Throws std::bad_alloc if memory runs out; the next call then returns the frame.
    [[nodiscard]] std::expected<std::optional<shared_buffer>, error> next() {
        if (failure_) return std::unexpected(*failure_);
        if (!complete()) return std::optional<shared_buffer>{};
        shared_buffer frame;
        if (size_ != 0) frame = memory_.take(size_);
        length_filled_ = 0;
        size_ = 0;
        filled_ = 0;
        first_frame_ = false;
        return std::optional(std::move(frame));
    }

    /// The error if the stream ends now: nullopt between frames, truncated inside a frame, or the earlier
    /// error.
    [[nodiscard]] std::optional<error> end_of_stream() const noexcept {
        if (failure_ || length_filled_ == 0 || complete()) return failure_;
        if (in_length())
            return error{.code = errc::truncated, .needed = length_.size(), .left = length_filled_};
        return error{.code = errc::truncated, .needed = size_, .left = filled_};
    }

    /// Sets the limit for the frames that follow, for example after authentication.
    void set_max_frame_bytes(std::uint32_t n) noexcept { limits_.max_frame_bytes = n; }
    void set_min_frame_bytes(std::uint32_t n) noexcept { limits_.min_frame_bytes = n; }

    /// Bytes of memory that the incomplete frame has now.
    [[nodiscard]] std::size_t capacity() const noexcept { return memory_.capacity(); }

private:
    static constexpr std::size_t first_capacity = std::size_t{16} * 1024;
    static constexpr std::size_t largest_step = std::size_t{1024} * 1024;

    static std::size_t smaller(std::size_t a, std::size_t b) noexcept { return a < b ? a : b; }

    [[nodiscard]] bool in_length() const noexcept { return length_filled_ < length_.size(); }
    [[nodiscard]] bool complete() const noexcept { return !in_length() && !failure_ && filled_ == size_; }
    [[nodiscard]] std::size_t room() const noexcept { return smaller(memory_.capacity(), size_) - filled_; }

    void take_length() noexcept {
        const auto claimed = wire::load_be<std::int32_t>(length_.data());
        if (claimed < 0) {
            failure_ = error{.code = errc::bad_frame_length};
            return;
        }
        const auto size = static_cast<std::uint32_t>(claimed);
        if (size > limits_.max_frame_bytes) {
            if (first_frame_ && detail::is_foreign_banner(length_))
                failure_ = error{.code = errc::not_a_kafka_peer};
            else
                failure_ =
                    error{.code = errc::frame_too_large, .needed = size, .left = limits_.max_frame_bytes};
        } else if (size < limits_.min_frame_bytes) {
            failure_ = error{.code = errc::bad_frame_length, .needed = limits_.min_frame_bytes, .left = size};
        } else {
            size_ = size;
        }
    }

    frame_limits limits_;
    std::array<std::byte, 4> length_{};
    std::size_t length_filled_ = 0;
    std::size_t size_ = 0;   ///< the length of the frame, once it has been read
    std::size_t filled_ = 0; ///< how many of these bytes have arrived
    bool first_frame_ = true;
    std::optional<error> failure_;
    Memory memory_;
};

/// The frame reader for this platform.
using frame_reader = basic_frame_reader<detail::growing_memory>;

} // namespace kwire
