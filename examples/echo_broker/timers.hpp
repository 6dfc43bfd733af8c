// What the broker does later: time-outs of group members and transactions.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

namespace echo_broker {

/// Functions to call at their time, all of them by one timer.
///
/// The timer lives in run(), so that this object may be destroyed after the context that ran it.
class timers {
public:
    using clock = std::chrono::steady_clock;
    /// Names a pending call; the default one names none.
    using id = std::pair<clock::time_point, std::uint64_t>;

    /// Calls `function` after `delay`, unless it is cancelled before. It may schedule and cancel others.
    id after(clock::duration delay, std::function<void()> function);
    /// No effect after the call, or on an id that names none.
    void cancel(id& pending);

    /// Calls the functions. Spawn it once; it ends with its executor. What a function throws is printed.
    boost::asio::awaitable<void> run();

private:
    std::map<id, std::function<void()>> pending_;
    std::uint64_t next_ = 1;
    boost::asio::steady_timer* timer_ = nullptr;
};

} // namespace echo_broker
