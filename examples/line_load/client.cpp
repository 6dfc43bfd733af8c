#include "client.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <system_error>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace line_load {

namespace {

constexpr std::string_view quit = "QUIT\n", bye = "bye\n";
constexpr std::size_t read_at_once = 262'144;

/// Bytes that wait in the kernel, each way: a window, as clients have one. Without it some MiB wait there and
/// have left the caches when their turn comes.
constexpr int window = 262'144;

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::system_category(), what); }

bool would_block() noexcept { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

} // namespace

client::client(std::uint16_t port, const script& what)
    : script_(what), socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), room_(read_at_once) {
    if (socket_ < 0) fail("socket");
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDBUF, &window, sizeof window);
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &window, sizeof window);
    ::sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, static_cast<const ::sockaddr*>(static_cast<const void*>(&address)),
                  sizeof address) != 0 ||
        ::fcntl(socket_, F_SETFL, O_NONBLOCK) != 0) {
        const int why = errno;
        ::close(socket_);
        errno = why;
        fail("connect");
    }
}

client::~client() { ::close(socket_); }

short client::waits_for() const noexcept {
    return static_cast<short>(quitting_ && to_send_.empty() ? POLLIN : POLLIN | POLLOUT);
}

void client::step(short came) {
    if ((came & POLLOUT) != 0) send();
    if ((came & (POLLIN | POLLHUP | POLLERR)) != 0) receive();
}

void client::send() {
    if (to_send_.empty()) next_to_send();
    const ::ssize_t n = ::send(socket_, to_send_.data(), to_send_.size(), MSG_NOSIGNAL);
    if (n >= 0)
        to_send_.remove_prefix(static_cast<std::size_t>(n));
    else if (!would_block())
        fail("send");
}

void client::next_to_send() noexcept {
    if (quitting_) return;
    quitting_ = finishing_;
    to_send_ = quitting_ ? quit : std::string_view(script_.sent);
    if (!quitting_) ++turns_begun_;
}

void client::receive() {
    const ::ssize_t n = ::recv(socket_, room_.data(), room_.size(), 0);
    if (n > 0)
        compare({room_.data(), static_cast<std::size_t>(n)});
    else if (n < 0 && !would_block())
        fail("recv");
    else if (n == 0 && !(awaits_bye_ && awaited_.empty()))
        throw std::runtime_error("the server closed the connection early");
    else if (n == 0)
        closed_ = true;
}

void client::compare(std::string_view arrived) {
    while (!arrived.empty()) {
        if (awaited_.empty()) next_to_await();
        const std::size_t n = std::min(arrived.size(), awaited_.size());
        if (arrived.substr(0, n) != awaited_.substr(0, n))
            throw std::runtime_error(
                "wrong answer in turn " + std::to_string(turns_awaited_) + " of the script, at byte " +
                std::to_string(script_.expected.size() - awaited_.size()) + " or a little later");
        arrived.remove_prefix(n);
        awaited_.remove_prefix(n);
        if (awaited_.empty() && !awaits_bye_) turns_answered_ = turns_awaited_;
    }
}

void client::next_to_await() {
    if (turns_awaited_ < turns_begun_) {
        ++turns_awaited_;
        awaited_ = script_.expected;
    } else if (quitting_ && !awaits_bye_) {
        awaits_bye_ = true;
        awaited_ = bye;
    } else {
        throw std::runtime_error("the server sent more than its answers");
    }
}

} // namespace line_load
