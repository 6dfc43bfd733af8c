// What comes after the server: a consumer that gets every line through a channel.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace line_server {

/// What the consumer knows when the server stops.
struct statistics {
    std::uint64_t lines = 0;
    std::uint64_t bytes = 0;   ///< with newlines
    std::uint64_t longest = 0; ///< bytes
};

/// `Line` is a kwire::shared_buffer, or a std::string in the copying twin. A message of the channel is the
/// lines that were answered together.
///
/// Producers and consumer run on one thread; between threads it would be a concurrent_channel, and nothing
/// else would change: the counts of shared_buffers are atomic.
template <class Line>
class downstream {
public:
    explicit downstream(boost::asio::any_io_executor executor)
        : channel_(std::move(executor), most_waiting) {}

    /// Hands lines on. Waits while the consumer has too many to do, and always lets other connections run.
    [[nodiscard]] boost::asio::awaitable<void> send(std::vector<Line> lines) {
        return channel_.async_send({}, std::move(lines), boost::asio::use_awaitable);
    }

    /// Runs until the context stops.
    [[nodiscard]] boost::asio::awaitable<void> consume() {
        for (;;) {
            const std::vector<Line> lines = co_await channel_.async_receive(boost::asio::use_awaitable);
            for (const Line& line : lines) count(line.size());
        }
    }

    [[nodiscard]] const statistics& seen() const noexcept { return seen_; }

private:
    static constexpr std::size_t most_waiting = 4; ///< messages

    void count(std::uint64_t size) noexcept {
        ++seen_.lines;
        seen_.bytes += size;
        seen_.longest = std::max(seen_.longest, size);
    }

    boost::asio::experimental::channel<void(boost::system::error_code, std::vector<Line>)> channel_;
    statistics seen_;
};

} // namespace line_server
