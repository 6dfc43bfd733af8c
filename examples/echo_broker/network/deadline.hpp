// A bound on how long a peer may take for something.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "echo_broker/timers.hpp"

namespace echo_broker {

/// Shuts a socket down after some time, which ends what is read and written on it; unless this object is gone
/// before.
class deadline {
public:
    deadline(timers& by, boost::asio::ip::tcp::socket& socket, timers::clock::duration patience) : by_(by) {
        pending_ = by.after(patience, [this, &socket] {
            passed_ = true;
            boost::system::error_code ignored;
            socket.shutdown(boost::asio::ip::tcp::socket::shutdown_both, ignored);
        });
    }
    deadline(const deadline&) = delete;
    deadline& operator=(const deadline&) = delete;
    ~deadline() { by_.cancel(pending_); }

    [[nodiscard]] bool passed() const noexcept { return passed_; }

private:
    timers& by_;
    timers::id pending_;
    bool passed_ = false;
};

} // namespace echo_broker
