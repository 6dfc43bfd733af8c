/// A stream of Asio without a socket: bytes go through strings, and a test says when and how many.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace support {

class memory_stream {
public:
    using executor_type = boost::asio::any_io_executor;

    explicit memory_stream(executor_type executor)
        : arrival_(executor, boost::asio::steady_timer::time_point::max()),
          departure_(executor, boost::asio::steady_timer::time_point::max()) {}

    [[nodiscard]] executor_type get_executor() { return arrival_.get_executor(); }

    std::size_t most = SIZE_MAX; ///< bytes of one read or write
    std::size_t room = SIZE_MAX; ///< bytes that writes may put into `written`
    std::string written;
    std::size_t writes = 0, write_buffers = 0; ///< how many there were, and how many buffers the last one had
    boost::system::error_code write_failure;
    bool deaf = false; ///< operations that are cancelled end as if they were not

    /// Bytes for the reader.
    void arrive(std::string_view bytes) {
        unread_ += bytes;
        arrival_.cancel();
    }
    void end() {
        ended_ = true;
        arrival_.cancel();
    }
    void fail_reads(boost::system::error_code why) {
        read_failure_ = why;
        arrival_.cancel();
    }
    /// What was written since; makes room for as much.
    [[nodiscard]] std::string take_written() {
        if (room != SIZE_MAX) room += written.size();
        departure_.cancel();
        return std::exchange(written, {});
    }
    void fail_writes(boost::system::error_code why) {
        write_failure = why;
        departure_.cancel();
    }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& into, Token&& token) {
        return waited_for(arrival_, std::forward<Token>(token), [this, into](boost::system::error_code& ec) {
            const std::size_t n = std::min({most, unread_.size(), boost::asio::buffer_size(into)});
            boost::asio::buffer_copy(into, boost::asio::buffer(unread_), n);
            unread_.erase(0, n);
            if (n == 0) ec = read_failure_;
            if (n == 0 && ended_) ec = boost::asio::error::eof;
            return n;
        });
    }
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& from, Token&& token) {
        return waited_for(
            departure_, std::forward<Token>(token), [this, from](boost::system::error_code& ec) {
                ec = write_failure;
                std::size_t n = ec ? 0 : std::min({most, room, boost::asio::buffer_size(from)});
                const std::size_t before = written.size();
                written.resize(before + n);
                boost::asio::buffer_copy(boost::asio::buffer(written.data() + before, n), from);
                if (room != SIZE_MAX) room -= n;
                if (n != 0) {
                    ++writes;
                    write_buffers = static_cast<std::size_t>(boost::asio::buffer_sequence_end(from) -
                                                             boost::asio::buffer_sequence_begin(from));
                }
                return n;
            });
    }

private:
    /// Completes with what `attempt` moved, when that is something; tries again after `changed` was
    /// cancelled.
    template <class Token, class Attempt>
    auto waited_for(boost::asio::steady_timer& changed, Token&& token, Attempt attempt) {
        return boost::asio::async_compose<Token, void(boost::system::error_code, std::size_t)>(
            [this, &changed, attempt, first = true](auto& self, boost::system::error_code = {}) mutable {
                if (std::exchange(first, false)) {
                    self.reset_cancellation_state(boost::asio::enable_partial_cancellation());
                    return boost::asio::post(changed.get_executor(), std::move(self));
                }
                if (!deaf &&
                    self.get_cancellation_state().cancelled() != boost::asio::cancellation_type::none)
                    return self.complete(boost::asio::error::operation_aborted, 0);
                boost::system::error_code ec;
                const std::size_t n = attempt(ec);
                if (n != 0 || ec) return self.complete(ec, n);
                changed.async_wait(std::move(self));
            },
            token, changed);
    }

    boost::asio::steady_timer arrival_, departure_; ///< cancelled when something has changed
    std::string unread_;
    boost::system::error_code read_failure_;
    bool ended_ = false;
};

/// Two streams as one: what is read comes from the first, what is written goes to the second.
template <class In, class Out>
class duplex {
public:
    using executor_type = typename In::executor_type;

    In in;
    Out out;

    template <class Context>
    explicit duplex(Context& context) : in(context), out(context) {}
    [[nodiscard]] executor_type get_executor() { return in.get_executor(); }
    template <class Buffers, class Token>
    auto async_read_some(const Buffers& into, Token&& token) {
        return in.async_read_some(into, std::forward<Token>(token));
    }
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& from, Token&& token) {
        return out.async_write_some(from, std::forward<Token>(token));
    }
};

} // namespace support
