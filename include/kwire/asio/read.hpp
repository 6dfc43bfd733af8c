/// Reads frames from a stream of Asio, with any completion token.
///
///     kwire::request_reader reader; // response_reader for what a broker sends
///     kwire::shared_buffer frame = co_await kwire::async_read_frame(socket, reader, use_awaitable);
///
/// or all frames that one read brings:
///
///     co_await kwire::async_fill(socket, reader, use_awaitable);
///     while (auto frame = reader.next().value()) handle(*frame);
#pragma once

#include <kwire/asio/detail/library.hpp>
#include <kwire/asio/detail/native.hpp>
#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/connect/frame_reader.hpp>
#include <kwire/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <span>
#include <utility>

namespace kwire {

namespace detail {

/// Reads until `reader` has what `Finish` completes with.
template <class Stream, class Memory, class Finish>
class fill_operation {
public:
    fill_operation(Stream& stream, basic_frame_reader<Memory>& reader) noexcept
        : stream_(stream), reader_(reader), bytes_before_(reader.bytes()) {}

    template <class Self>
    void operator()(Self& self, asio_error ec = {}, std::size_t n = 0) {
        const bool first = std::exchange(first_, false);
        if (first) // the reader keeps the bytes that have arrived, so a cancelled read can be resumed
            self.reset_cancellation_state(net::enable_partial_cancellation());
        try {
            step(self, first, ec, n);
        } catch (const std::bad_alloc&) {
            if (first) throw; // to the caller, still inside the initiating function
            Finish::failed(self, net::error::no_memory);
        }
    }

private:
    template <class Self>
    void step(Self& self, bool first, asio_error ec, std::size_t n) {
        if (posted_) return finish(self, failure_);
        if constexpr (native_stream<Stream>) {
            // After a read that left room, waiting for more is quicker than to be told that nothing is there.
            const bool wait_first = first && !reader_.more_may_wait();
            if (!ec && !wait_first && !is_ready()) read_now(stream_, reader_, ec);
        } else {
            reader_.commit(n);
        }
        if (is_ready()) ec = {};
        if (would_block(ec) && native_stream<Stream>) ec = {};
        if (!ec && !first && !is_ready() && was_cancelled(self)) ec = net::error::operation_aborted;
        if (ec || is_ready()) {
            if (!first) return finish(self, ec);
            failure_ = ec;
            posted_ = true;
            return net::post(stream_.get_executor(), std::move(self));
        }
        wait(self);
    }

    template <class Self>
    void wait(Self& self) {
        if constexpr (native_stream<Stream>) {
            reader_.release_memory(); // a quiet connection has none
            stream_.async_wait(Stream::wait_read, std::move(self));
        } else {
            const std::span<std::byte> room = reader_.prepare();
            stream_.async_read_some(net::buffer(room.data(), room.size()), std::move(self));
        }
    }

    template <class Self>
    void finish(Self& self, asio_error ec) {
        if (ec == net::error::eof)
            if (const auto cut_short = reader_.end_of_stream()) ec = make_error_code(cut_short->code);
        if (ec) return Finish::failed(self, ec);
        Finish::filled(self, reader_);
    }

    [[nodiscard]] bool is_ready() { return Finish::is_ready(reader_, bytes_before_); }

    Stream& stream_;
    basic_frame_reader<Memory>& reader_;
    std::uint64_t bytes_before_;
    asio_error failure_;
    bool first_ = true;
    bool posted_ = false;
};

struct until_frame {
    template <class Reader>
    static bool is_ready(Reader& reader, std::uint64_t) {
        return reader.has_frame_or_failed();
    }
};
struct finish_with_frame : until_frame {
    template <class Self>
    static void failed(Self& self, asio_error ec) {
        self.complete(ec, shared_buffer());
    }
    template <class Self, class Reader>
    static void filled(Self& self, Reader& reader) {
        expected<std::optional<shared_buffer>, error> frame = reader.next();
        if (!frame) return failed(self, make_error_code(frame.error().code));
        self.complete({}, **std::move(frame));
    }
};
struct finish_with_nothing : until_frame {
    template <class Self>
    static void failed(Self& self, asio_error ec) {
        self.complete(ec);
    }
    template <class Self, class Reader>
    static void filled(Self& self, Reader& reader) {
        const std::optional<error> failure = reader.failure();
        self.complete(failure ? make_error_code(failure->code) : asio_error());
    }
};

struct finish_with_bytes : finish_with_nothing {
    template <class Reader>
    static bool is_ready(Reader& reader, std::uint64_t bytes_before) {
        return reader.bytes() != bytes_before || reader.has_frame_or_failed();
    }
};

} // namespace detail

/// Reads from `stream` until `reader` has a complete frame, and takes it; completes with
/// `void(error_code, kwire::shared_buffer)`, the frame without its length. A frame that was read ahead
/// completes it without a read: take such frames with reader.next(), which costs less.
///
/// Errors: eof if the stream ends between two frames; errc::truncated if it ends inside one; those of
/// `reader` (frame_too_large, bad_frame_length, not_a_kafka_peer); those of the stream; no_memory, after
/// which another call continues. For kwire's codes `reader.end_of_stream()` returns the whole error. @pre
/// `stream` and `reader` outlive the operation, and no other read is in progress on them. A socket becomes
/// non-blocking. After cancellation, terminal or partial, another call continues where this one stopped.
/// Nothing is copied.
template <class AsyncReadStream, class Memory, class CompletionToken>
auto async_read_frame(AsyncReadStream& stream, basic_frame_reader<Memory>& reader, CompletionToken&& token) {
    using operation = detail::fill_operation<AsyncReadStream, Memory, detail::finish_with_frame>;
    return detail::net::async_compose<CompletionToken, void(detail::asio_error, shared_buffer)>(
        operation(stream, reader), token, stream);
}

/// The same, but leaves the frame, and all that came with it, to reader.next(); completes with
/// `void(error_code)`.
template <class AsyncReadStream, class Memory, class CompletionToken>
auto async_fill(AsyncReadStream& stream, basic_frame_reader<Memory>& reader, CompletionToken&& token) {
    using operation = detail::fill_operation<AsyncReadStream, Memory, detail::finish_with_nothing>;
    return detail::net::async_compose<CompletionToken, void(detail::asio_error)>(operation(stream, reader),
                                                                                 token, stream);
}

/// The same, but completes as soon as bytes have come, for who takes large frames in pieces
/// (reader.next_piece()).
template <class AsyncReadStream, class Memory, class CompletionToken>
auto async_read_bytes(AsyncReadStream& stream, basic_frame_reader<Memory>& reader, CompletionToken&& token) {
    using operation = detail::fill_operation<AsyncReadStream, Memory, detail::finish_with_bytes>;
    return detail::net::async_compose<CompletionToken, void(detail::asio_error)>(operation(stream, reader),
                                                                                 token, stream);
}

} // namespace kwire
