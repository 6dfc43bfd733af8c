// Lines on stderr. What clients send is printed so that it cannot break a line or flood the output.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <exception>
#include <string>
#include <string_view>

namespace echo_broker {

/// Writes one line: the address of a client, and what happened to it.
void report(const boost::asio::ip::tcp::endpoint& client, std::string_view what);

/// Writes one line: what the broker could not do, most likely since memory or file descriptors are used up.
void report_failure(std::string_view what, const std::exception& why) noexcept;

/// For asio::co_spawn: prints what ends a coroutine before its time, and lets the others go on.
inline void report_end_of_coroutine(const std::exception_ptr& failure) {
    if (failure) try {
            std::rethrow_exception(failure);
        } catch (const std::exception& e) {
            report_failure("a task", e);
        }
}

/// A text of a client in quotes: at most 64 bytes of it, and `?` for what is not printable ASCII.
[[nodiscard]] std::string in_quotes(std::string_view text);

} // namespace echo_broker
