#include "echo_broker/timers.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>

#include "echo_broker/report.hpp"

namespace echo_broker {

timers::id timers::after(clock::duration delay, std::function<void()> function) {
    const id made{clock::now() + delay, next_++};
    pending_.emplace(made, std::move(function));
    if (timer_ != nullptr && pending_.begin()->first == made) timer_->cancel(); // it waits for a later one
    return made;
}

void timers::cancel(id& pending) { pending_.erase(std::exchange(pending, id{})); }

boost::asio::awaitable<void> timers::run() {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    struct registration {
        timers& all;
        ~registration() { all.timer_ = nullptr; }
    } const registered{*this};
    timer_ = &timer;
    for (;;) {
        // What these functions schedule comes after the event loop had its turn, even if it is due at once.
        const id last{clock::now(), next_ - 1};
        while (!pending_.empty() && pending_.begin()->first <= last) {
            const auto due = pending_.extract(pending_.begin());
            try {
                due.mapped()();
            } catch (const std::exception& e) {
                report_failure("a time-out", e);
            }
        }
        timer.expires_at(pending_.empty() ? clock::time_point::max() : pending_.begin()->first.first);
        boost::system::error_code woken;
        co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
    }
}

} // namespace echo_broker
