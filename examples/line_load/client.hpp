// One connection: sends a script again and again, and compares every byte that comes back.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "script.hpp"

namespace line_load {

class client {
public:
    /// Connects to 127.0.0.1; throws std::system_error. `what` outlives the client.
    client(std::uint16_t port, const script& what);
    client(const client&) = delete;
    client& operator=(const client&) = delete;
    ~client();

    /// What poll() has to wait for, and what to do when it comes. Throws std::runtime_error if the server
    /// answers anything that it should not.
    [[nodiscard]] int descriptor() const noexcept { return socket_; }
    [[nodiscard]] short waits_for() const noexcept;
    void step(short came);

    /// Sends the rest of this turn of the script, and then QUIT.
    void finish() noexcept { finishing_ = true; }
    /// Whether the server has answered all and has closed the connection.
    [[nodiscard]] bool done() const noexcept { return closed_; }

    /// Of the turns that were answered whole.
    [[nodiscard]] std::uint64_t lines() const noexcept { return turns_answered_ * script_.lines; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return turns_answered_ * script_.sent.size(); }

private:
    void send();
    void receive();
    void next_to_send() noexcept;
    void compare(std::string_view arrived);
    void next_to_await();

    const script& script_;
    int socket_;
    std::vector<char> room_;
    std::string_view to_send_; ///< the rest of this turn
    std::string_view awaited_; ///< the rest of the answers to a turn
    std::uint64_t turns_begun_ = 0, turns_awaited_ = 0, turns_answered_ = 0;
    bool finishing_ = false; ///< no further turn begins
    bool quitting_ = false;  ///< QUIT was the last thing to send
    bool awaits_bye_ = false;
    bool closed_ = false;
};

} // namespace line_load
