/// kwire on Boost.Asio: reads frames from a stream, with any completion token.
///
///     kwire::request_reader reader; // response_reader for what a broker sends
///     kwire::shared_buffer frame = co_await kwire::async_read_frame(socket, reader, use_awaitable);
///     kwire::buffer_chain answer = answer_to(frame);
///     co_await boost::asio::async_write(socket, answer, use_awaitable); // a chain is a buffer sequence
///
/// Component kwire::asio, which requires Boost 1.81 or later.
#pragma once

#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/connect/frame_reader.hpp>
#include <kwire/error.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <expected>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

namespace kwire {

namespace detail {

/// Values are one more than those of errc, since 0 must mean success.
class boost_category final : public boost::system::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "kwire"; }
    [[nodiscard]] std::string message(int value) const override {
        return std::string(name_of(static_cast<errc>(value - 1)));
    }
};

} // namespace detail

/// The category of the boost::system::error_codes for kwire's own errors.
[[nodiscard]] inline const boost::system::error_category& boost_category() noexcept {
    static const detail::boost_category category;
    return category;
}

/// Makes `ec == kwire::errc::frame_too_large` compile. For the details ask the object that refused the bytes.
[[nodiscard]] inline boost::system::error_code make_error_code(errc code) noexcept {
    return {static_cast<int>(code) + 1, boost_category()};
}

namespace detail {

template <class Stream, class Memory>
class read_frame_operation {
public:
    read_frame_operation(Stream& stream, basic_frame_reader<Memory>& reader) noexcept
        : stream_(stream), reader_(reader) {}

    template <class Self>
    void operator()(Self& self, boost::system::error_code ec = {}, std::size_t n = 0) {
        if (!started_) {
            started_ = true;
            // The reader keeps the bytes that have arrived, so a cancelled read can be resumed.
            self.reset_cancellation_state(boost::asio::enable_partial_cancellation());
            return read_some(self, true);
        }
        reader_.commit(n);
        std::expected<std::optional<shared_buffer>, error> frame;
        try {
            frame = reader_.next();
        } catch (const std::bad_alloc&) { // rethrown, it would leave the caller without a completion
            return self.complete(boost::asio::error::no_memory, {});
        }
        if (!frame) return self.complete(frame.error().code, {});
        if (*frame) return self.complete({}, **std::move(frame));
        if (ec == boost::asio::error::eof)
            if (const auto cut_short = reader_.end_of_stream()) ec = cut_short->code;
        if (ec) return self.complete(ec, {});
        read_some(self, false);
    }

private:
    template <class Self>
    void read_some(Self& self, bool first) {
        std::span<std::byte> room;
        try {
            room = reader_.prepare();
        } catch (const std::bad_alloc&) {
            if (first) throw; // to the caller, still inside the initiating function
            return self.complete(boost::asio::error::no_memory, {});
        }
        if (room.empty()) return boost::asio::post(stream_.get_executor(), std::move(self));
        stream_.async_read_some(boost::asio::buffer(room.data(), room.size()), std::move(self));
    }

    Stream& stream_;
    basic_frame_reader<Memory>& reader_;
    bool started_ = false;
};

} // namespace detail

/// Reads from `stream` until `reader` has a complete frame, and no byte more; completes with
/// `void(boost::system::error_code, kwire::shared_buffer)`, the frame without its length.
///
/// Errors: boost::asio::error::eof if the stream ends between two frames; errc::truncated if it ends inside
/// one; those of `reader` (frame_too_large, bad_frame_length, not_a_kafka_peer); those of the stream;
/// boost::asio::error::no_memory, after which another call continues. For kwire's codes
/// `reader.end_of_stream()` returns the whole error. @pre `stream` and `reader` outlive the operation, and no
/// other read is in progress on them. After cancellation, terminal or partial, another call continues where
/// this one stopped. Nothing is copied.
template <class AsyncReadStream, class Memory, class CompletionToken>
auto async_read_frame(AsyncReadStream& stream, basic_frame_reader<Memory>& reader, CompletionToken&& token) {
    return boost::asio::async_compose<CompletionToken, void(boost::system::error_code, shared_buffer)>(
        detail::read_frame_operation<AsyncReadStream, Memory>(stream, reader), token, stream);
}

} // namespace kwire

template <>
struct boost::system::is_error_code_enum<kwire::errc> : std::true_type {};
