/// Writes what waits in an outbox to a stream of Asio, with any completion token.
///
///     out.push(std::move(answer));
///     co_await kwire::async_flush(socket, out, use_awaitable);
#pragma once

#include <kwire/asio/detail/library.hpp>
#include <kwire/asio/detail/native.hpp>
#include <kwire/connect/outbox.hpp>

#include <array>
#include <cstddef>
#include <exception>
#include <memory>
#include <utility>

namespace kwire::inline KWIRE_ABI {

namespace detail {

/// Buffers for one write of a stream that is not native. Copies point at the same ones.
class gathered_buffers {
public:
    using value_type = net::const_buffer;
    using const_iterator = const net::const_buffer*;

    gathered_buffers(const_iterator first, std::size_t n) noexcept : first_(first), size_(n) {}
    [[nodiscard]] const_iterator begin() const noexcept { return first_; }
    [[nodiscard]] const_iterator end() const noexcept { return first_ + size_; }

private:
    const_iterator first_;
    std::size_t size_;
};

template <class Stream>
class flush_operation {
public:
    flush_operation(Stream& stream, outbox& out) noexcept : stream_(stream), out_(out) {}

    template <class Self>
    void operator()(Self& self, asio_error ec = {}, std::size_t n = 0) {
        const bool first = std::exchange(first_, false);
        if (first) self.reset_cancellation_state(net::enable_partial_cancellation());
        if (posted_) return self.complete(failure_);
        try {
            step(self, first, ec, n);
        } catch (const std::bad_alloc&) {
            if (first) throw;
            self.complete(net::error::no_memory);
        } catch (...) { // the function of a streamed payload
            if (first) throw;
            self.complete(system_error(std::errc::io_error));
        }
    }

private:
    template <class Self>
    void step(Self& self, bool first, asio_error ec, std::size_t n) {
        if constexpr (native_stream<Stream>) {
            if (!ec) write_now(stream_, out_, ec);
            if (would_block(ec)) ec = {};
        } else {
            out_.sent(n);
        }
        if (!ec && !first && !out_.empty() && was_cancelled(self)) ec = net::error::operation_aborted;
        if (ec || out_.empty() || out_.broken()) {
            if (!ec && out_.broken()) ec = system_error(std::errc::io_error);
            if (!first) return self.complete(ec);
            failure_ = ec;
            posted_ = true;
            return net::post(stream_.get_executor(), std::move(self));
        }
        if constexpr (native_stream<Stream>) {
            stream_.async_wait(Stream::wait_write, std::move(self));
        } else {
            if (!buffers_) buffers_ = std::make_unique<std::array<net::const_buffer, 64>>();
            out_.set_uses_files(false);
            const std::size_t count = out_.gather(*buffers_);
            if (count == 0) { // a streamed payload has ended early
                failure_ = system_error(std::errc::io_error);
                posted_ = true;
                return net::post(stream_.get_executor(), std::move(self));
            }
            const gathered_buffers pieces(buffers_->data(), count);
            stream_.async_write_some(pieces, std::move(self));
        }
    }

    Stream& stream_;
    outbox& out_;
    std::unique_ptr<std::array<net::const_buffer, 64>> buffers_; ///< stays where it is as this moves
    asio_error failure_;
    bool first_ = true;
    bool posted_ = false;
};

} // namespace detail

/// Writes until `out` is empty; completes with `void(error_code)`. More may be pushed meanwhile.
///
/// To a TCP or Unix socket it writes at once, up to 1024 buffers with one sendmsg, parts of files by
/// sendfile, and waits only when the socket takes no more; the socket becomes non-blocking. To another stream
/// (ssl::stream) it gives up to 64 buffers a write, and files are read. Errors: those of the stream; io_error
/// if a streamed payload or a file ended early, or the function of a payload threw (in the call itself what
/// it throws passes); no_memory. What was not sent stays in `out`: after
/// cancellation, terminal or partial, another call continues. @pre `stream` and `out` outlive the operation,
/// and no other write is in progress on them.
template <class AsyncWriteStream, class CompletionToken>
auto async_flush(AsyncWriteStream& stream, outbox& out, CompletionToken&& token) {
    return detail::net::async_compose<CompletionToken, void(detail::asio_error)>(
        detail::flush_operation<AsyncWriteStream>(stream, out), token, stream);
}

} // namespace kwire::inline KWIRE_ABI
