/// A server with poll() instead of Asio, for one thread and many connections: it answers ApiVersions, and
/// refuses all else.
///
///     without_asio [PORT]
#include <kwire/connect/posix.hpp>
#include <kwire/kwire.hpp>

#include <cstdio>
#include <cstdlib>
#include <list>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

constexpr kwire::api_range served[] = {{kwire::api_key::api_versions, {0, 4}}};

struct connection {
    explicit connection(int descriptor) : socket(descriptor) {}

    int socket;
    kwire::request_reader reader{kwire::frame_limits::before_authentication()};
    kwire::outbox out;
};

kwire::expected<kwire::buffer_chain, kwire::error> answer_to(kwire::shared_buffer bytes) {
    const auto frame = kwire::parse_request_frame(std::move(bytes), kwire::parse_options::as_kafka());
    if (!frame) return kwire::unexpected(frame.error());
    if (frame->api() != kwire::api_key::api_versions)
        return kwire::unexpected(kwire::error{.code = kwire::errc::unknown_api, .located = false});
    const auto answer = kwire::answer_api_versions(*frame, served);
    if (!answer) return kwire::unexpected(answer.error());
    return kwire::encode_response(answer->body, answer->version, frame->correlation_id());
}

bool complain(const kwire::error& why) {
    std::fprintf(stderr, "a connection ended: %s\n", kwire::to_string(why).c_str());
    return false;
}

// Answers what has come. Returns false at the end of the connection.
bool answer(connection& one) {
    while (!one.out.congested()) { // a peer that does not read gets no more answers
        auto frame = one.reader.next();
        if (!frame) return complain(frame.error());
        if (!*frame) return true;
        auto bytes = answer_to(**std::move(frame));
        if (!bytes) return complain(bytes.error());
        one.out.push(*std::move(bytes));
    }
    return true;
}

// Reads, answers and writes what the socket allows. Returns false at the end of the connection.
bool serve(connection& one, short ready) {
    if ((ready & (POLLIN | POLLHUP | POLLERR)) != 0) {
        const auto bytes = kwire::read_some(one.socket, one.reader);
        if (!bytes && bytes.error() != std::errc::operation_would_block) return false;
        if (bytes && *bytes == 0 && !one.reader.has_frame_or_failed()) return false;
    }
    do {
        if (!answer(one)) return false;
        const auto written = kwire::write_some(one.socket, one.out);
        if (!written) return written.error() == std::errc::operation_would_block;
    } while (one.out.empty() && one.reader.has_frame_or_failed()); // it was congested, and is no more
    return true;
}

} // namespace

int main(int argc, char** argv) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ::sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 9092));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::socklen_t size = sizeof address;
    auto* const any = static_cast<::sockaddr*>(static_cast<void*>(&address));
    if (::bind(listener, any, size) != 0 || ::listen(listener, 64) != 0 ||
        ::getsockname(listener, any, &size) != 0)
        return std::perror("without_asio"), 1;
    std::printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    std::fflush(stdout);

    std::list<connection> connections;
    for (std::vector<::pollfd> polled;; polled.clear()) {
        polled.push_back({listener, POLLIN, 0});
        for (const connection& one : connections) {
            const int events = (one.out.congested() ? 0 : POLLIN) | (one.out.empty() ? 0 : POLLOUT);
            polled.push_back({one.socket, static_cast<short>(events), 0});
        }
        if (::poll(polled.data(), polled.size(), -1) < 0) continue;
        auto next = polled.begin() + 1;
        for (auto one = connections.begin(); one != connections.end(); ++next) {
            if (next->revents == 0 || serve(*one, next->revents)) {
                ++one;
            } else {
                ::close(one->socket);
                one = connections.erase(one);
            }
        }
        if (polled.front().revents == 0) continue;
        const int accepted = ::accept(listener, nullptr, nullptr);
        if (accepted < 0) continue;
        ::fcntl(accepted, F_SETFL, O_NONBLOCK);
        connections.emplace_back(accepted);
    }
}
