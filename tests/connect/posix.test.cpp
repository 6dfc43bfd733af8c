// again: portable
#include <kwire/connect/posix.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/counted_bytes.hpp"
#include "support/temporary_file.hpp"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

using kwire::buffer_chain;
using kwire::outbox;
using kwire::read_some;
using kwire::request_reader;
using kwire::shared_buffer;
using kwire::write_some;

namespace {

/// Two ends that are connected, closed at the end.
struct ends {
    int near = -1, far = -1;

    enum kind {
        socket,
        packets,
        pipe
    };
    explicit ends(kind what = socket) {
        int two[2];
        if (what == pipe)
            REQUIRE(::pipe(two) == 0);
        else
            REQUIRE(::socketpair(AF_UNIX, what == socket ? SOCK_STREAM : SOCK_SEQPACKET, 0, two) == 0);
        far = two[0]; // the end of a pipe that is read
        near = two[1];
    }
    ends(const ends&) = delete;
    ends& operator=(const ends&) = delete;
    ~ends() {
        close_near();
        close_far();
    }
    void close_near() { close_one(near); }
    void close_far() { close_one(far); }
    void non_blocking() const {
        for (const int each : {near, far})
            REQUIRE(::fcntl(each, F_SETFL, ::fcntl(each, F_GETFL) | O_NONBLOCK) == 0);
    }
    /// All that has arrived.
    [[nodiscard]] std::string received() const {
        std::string all(1 << 20, '\0');
        std::size_t n = 0;
        pollfd ready{.fd = far, .events = POLLIN, .revents = 0};
        while (::poll(&ready, 1, 0) == 1 && (ready.revents & POLLIN) != 0) {
            all.resize(n + (1 << 20));
            const ssize_t got = ::read(far, all.data() + n, all.size() - n);
            if (got <= 0) break;
            n += static_cast<std::size_t>(got);
        }
        all.resize(n);
        return all;
    }
    /// Sends bytes to the near end.
    void send(std::string_view bytes) const {
        REQUIRE(::write(far, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    }

private:
    static void close_one(int& descriptor) {
        if (descriptor >= 0) ::close(std::exchange(descriptor, -1));
    }
};

std::string random_text(std::size_t n, unsigned seed = 1) {
    std::mt19937 random(seed);
    std::string out(n, '\0');
    for (char& c : out) c = static_cast<char>(random());
    return out;
}
std::string frame(std::string_view body) {
    std::string out;
    for (const unsigned shift : {24U, 16U, 8U, 0U}) out += static_cast<char>(body.size() >> shift);
    return out += body;
}
std::string text(const shared_buffer& b) { return {reinterpret_cast<const char*>(b.begin()), b.size()}; }

/// Writes all of `out` to the near end, which does not block, and reads it at the far end.
std::string carried(ends& two, outbox& out) {
    two.non_blocking();
    std::string all;
    while (!out.empty()) {
        const auto n = write_some(two.near, out);
        if (!n) REQUIRE(n.error() == std::errc::operation_would_block);
        all += two.received();
    }
    return all += two.received();
}

/// Whether `f` returns true in a process of its own, where SIGPIPE has its default effect.
template <class F>
bool survives(F&& f) {
    const pid_t child = ::fork();
    if (child == 0) {
        std::signal(SIGPIPE, SIG_DFL);
        ::_exit(f() ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

} // namespace

TEST_CASE("frames come out of a socket or a pipe, then its end") {
    const auto kind = GENERATE(ends::socket, ends::pipe);
    const std::string large = random_text(50'000);
    std::vector<std::string> frames;
    request_reader reader;
    {
        ends two(kind);
        const std::string stream = frame("first frame") + frame("second frame") + frame(large);
        REQUIRE(::write(two.near, stream.data(), stream.size()) == static_cast<ssize_t>(stream.size()));
        two.close_near();
        while (auto n = read_some(two.far, reader)) {
            if (*n == 0) break;
            while (auto each = reader.next().value()) frames.push_back(text(*each));
        }
    }
    CHECK(frames == std::vector<std::string>{"first frame", "second frame", large});
    CHECK_FALSE(reader.end_of_stream());
}

TEST_CASE("a read says when nothing is there, and reads nothing while a frame waits") {
    ends two;
    two.non_blocking();
    request_reader reader;
    CHECK(read_some(two.near, reader).error() == std::errc::operation_would_block);
    two.send(frame("12345678") + std::string(2, '\0'));
    CHECK(read_some(two.near, reader).value() == 14);
    two.send("more");
    CHECK(read_some(two.near, reader).value() == 0);
    CHECK(text(reader.next().value().value()) == "12345678");
    CHECK(read_some(two.near, reader).value() == 4);
    two.close_near();
    CHECK(read_some(two.near, reader).error() == std::errc::bad_file_descriptor);
}

TEST_CASE("64 small answers leave with one write, and arrive whole") {
    // Each send is a packet of its own here, so the other end counts them.
    const ends two(ends::packets);
    outbox out;
    std::string all;
    for (int i = 0; i < 64; ++i) {
        buffer_chain answer;
        answer.put_u32(static_cast<std::uint32_t>(i));
        answer.put_bytes(shared_buffer::adopt("answer " + std::to_string(i)));
        all += std::string("\0\0\0", 3) + static_cast<char>(i) + "answer " + std::to_string(i);
        out.push(std::move(answer));
    }
    CHECK(write_some(two.near, out).value() == all.size());
    CHECK(out.writes() == 1);
    std::string packet(100'000, '\0');
    const ssize_t n = ::recv(two.far, packet.data(), packet.size(), MSG_DONTWAIT);
    REQUIRE(n == static_cast<ssize_t>(all.size()));
    packet.resize(static_cast<std::size_t>(n));
    CHECK(packet == all);
    CHECK(::recv(two.far, packet.data(), packet.size(), MSG_DONTWAIT) == -1);
}

TEST_CASE("more pieces than one write takes are written all the same") {
    for (const auto kind : {ends::socket, ends::pipe}) {
        ends two(kind);
        outbox out;
        std::string expected;
        for (int i = 0; i < 3000; ++i) {
            const std::string piece = std::to_string(i);
            out.push(shared_buffer::adopt(piece));
            expected += piece;
        }
        CHECK(carried(two, out) == expected);
        CHECK(out.writes() >= 3);
    }
}

TEST_CASE("a descriptor that takes no more keeps the rest in the outbox, and releases what it took") {
    ends two;
    two.non_blocking();
    outbox out;
    int live = 0;
    const std::string content = random_text(1'000'000);
    for (int i = 0; i < 10; ++i)
        out.push(
            support::counted_bytes(content.substr(static_cast<std::size_t>(i) * 100'000, 100'000), live));
    const auto first = write_some(two.near, out);
    REQUIRE(first.has_value());
    REQUIRE(*first > 0);
    REQUIRE(*first < content.size());
    CHECK(out.size() == content.size() - *first);
    CHECK(live == static_cast<int>((out.size() + 99'999) / 100'000));
    CHECK(write_some(two.near, out).error() == std::errc::operation_would_block);
    std::string all = two.received();
    CHECK(all == content.substr(0, *first));
    all += carried(two, out);
    CHECK(all == content);
    CHECK(live == 0);
    CHECK(write_some(two.near, out).value() == 0);
}

TEST_CASE("parts of files arrive as they are in the file, whole or sliced, among other bytes") {
    const std::string content = random_text(700'000, 2);
    const support::temporary_file file(content);
    const shared_buffer all = kwire::map_file(file.descriptor, 0, content.size()).value();
    const shared_buffer later = kwire::map_file(file.descriptor, 4321, 100'000).value();
    for (const auto kind : {ends::socket, ends::pipe}) {
        ends two(kind);
        outbox out;
        std::string expected;
        const auto push = [&](const shared_buffer& bytes, std::size_t from, std::size_t n) {
            expected += text(bytes).substr(from, n);
            out.push(bytes.slice(from, n).value());
        };
        push(shared_buffer::from_static("begin"), 0, 5);
        push(all, 0, content.size());
        push(all, 1, 16'384);
        push(all, 2, 16'383);
        push(shared_buffer::from_static("middle"), 0, 6);
        push(all, 699'000, 1000);
        push(later, 777, 99'000);
        out.push_pieces(200'000,
                        [&, at = std::size_t{0}](std::size_t most) mutable { // pieces may lie in files
                            const std::size_t n = std::min<std::size_t>(most, 60'000);
                            return *all.slice(std::exchange(at, at + n), n);
                        });
        expected += content.substr(0, 200'000);
        push(shared_buffer::from_static("end"), 0, 3);
        const std::string arrived = carried(two, out);
        CHECK(arrived.size() == expected.size());
        CHECK((arrived == expected));
    }
}

TEST_CASE("a file that became shorter is an error, and the process lives") {
    const std::size_t left = GENERATE(0U, 8192U, 100'000U, 130'000U);
    const std::string content = random_text(131'072, 3);
    const support::temporary_file file(content);
    ends two;
    outbox out;
    out.push(*kwire::map_file(file.descriptor, 0, content.size()).value().slice(4096, 126'976));
    REQUIRE(::ftruncate(file.descriptor, static_cast<off_t>(left)) == 0);
    two.non_blocking();
    std::string arrived;
    bool failed = false;
    while (!failed && !out.empty()) {
        const auto n = write_some(two.near, out);
        arrived += two.received();
        failed = !n && n.error() != std::errc::operation_would_block;
        if (failed) CHECK(n.error() == std::errc::io_error);
    }
#if defined(KWIRE_ON_LINUX)
    CHECK(failed);
    CHECK((arrived == (left > 4096 ? content.substr(4096, left - 4096) : "")));
#else
    // Without sendfile the bytes come from memory, where the rest of the file's last page is zero.
    const std::size_t pages = (left + 4095) / 4096 * 4096;
    std::string there = content.substr(0, left) + std::string(pages - left, '\0');
    there.erase(0, 4096);
    CHECK(failed == (pages < content.size()));
    CHECK(there.starts_with(arrived));
#endif
    CHECK(out.size() == 126'976 - arrived.size());
}

TEST_CASE("a small part of a file that became shorter is an error too") {
    const auto kind = GENERATE(ends::socket, ends::pipe);
    const support::temporary_file file(random_text(20'000, 4));
    const ends two(kind);
    outbox out;
    out.push(kwire::map_file(file.descriptor, 8192, 10'000).value());
    REQUIRE(::ftruncate(file.descriptor, 0) == 0);
    CHECK(write_some(two.near, out).error() == std::errc::io_error);
    CHECK(out.size() == 10'000);
}

TEST_CASE("a streamed payload is written piece by piece, and one that ends early is an error") {
    ends two;
    two.non_blocking();
    outbox out;
    const std::string content = random_text(3'000'000);
    int live = 0, most_live = 0;
    const auto pieces = [&, at = std::size_t{0}](std::size_t most) mutable {
        const std::size_t n = std::min({most, content.size() - at, std::size_t{100'000}});
        at += n;
        auto piece = n == 0 ? shared_buffer() : support::counted_bytes(content.substr(at - n, n), live);
        most_live = std::max(most_live, live);
        return piece;
    };
    out.push_pieces(content.size() + 1, pieces);
    std::string arrived;
    for (;;) {
        const auto n = write_some(two.near, out);
        arrived += two.received();
        if (n || n.error() == std::errc::operation_would_block) continue;
        CHECK(n.error() == std::errc::io_error);
        break;
    }
    CHECK((arrived == content));
    CHECK(most_live == 1);
    CHECK(out.broken());
    CHECK(write_some(two.near, out).error() == std::errc::io_error);
}

TEST_CASE("a write to a peer that is gone is an error and no signal") {
    const support::temporary_file file(random_text(100'000));
    const bool from_file = GENERATE(false, true);
    const auto kind = GENERATE(ends::socket, ends::pipe);
    ends two(kind);
    two.close_far();
    CHECK(survives([&] {
        const shared_buffer mapped = kwire::map_file(file.descriptor, 0, 100'000).value();
        outbox out;
        out.push(from_file ? mapped : shared_buffer::from_static("to no one"));
        for (int i = 0; i < 3; ++i) {
            const auto n = write_some(two.near, out);
            if (n || n.error() != std::errc::broken_pipe) return false;
        }
        // Signals are as they were: none waits, and the next one is not blocked.
        sigset_t now;
        ::sigpending(&now);
        if (::sigismember(&now, SIGPIPE) != 0) return false;
        ::pthread_sigmask(SIG_BLOCK, nullptr, &now);
        return ::sigismember(&now, SIGPIPE) == 0 && out.sent_bytes() == 0;
    }));
}

TEST_CASE("a program that blocks or ignores SIGPIPE keeps its choice") {
    ends two(ends::pipe);
    two.close_far();
    CHECK(survives([&] {
        sigset_t only;
        ::sigemptyset(&only);
        ::sigaddset(&only, SIGPIPE);
        outbox out;
        out.push(shared_buffer::from_static("to no one"));
        std::signal(SIGPIPE, SIG_IGN);
        if (write_some(two.near, out).error() != std::errc::broken_pipe) return false;
        if (std::signal(SIGPIPE, SIG_DFL) != SIG_IGN) return false;
        ::pthread_sigmask(SIG_BLOCK, &only, nullptr);
        if (write_some(two.near, out).error() != std::errc::broken_pipe) return false;
        sigset_t now;
        ::pthread_sigmask(SIG_BLOCK, nullptr, &now);
        return ::sigismember(&now, SIGPIPE) == 1;
    }));
}

TEST_CASE("a signal interrupts neither a read nor a write") {
    static std::atomic<int> signals = 0;
    struct ::sigaction action{};
    struct ::sigaction before{};
    action.sa_handler = [](int) { ++signals; }; // without SA_RESTART
    REQUIRE(::sigaction(SIGUSR1, &action, &before) == 0);
    signals = 0;
    ends two;
    const std::string content = random_text(3'000'000);
    const pthread_t here = ::pthread_self();
    const auto pester = [&] {
        for (const int until = signals + 20; signals < until;) {
            ::pthread_kill(here, SIGUSR1);
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    };
    request_reader reader;
    std::string arrived;
    std::thread peer([&] {
        pester(); // while the read waits
        two.send(frame("12345678"));
        pester(); // while the write waits
        arrived.resize(content.size());
        for (std::size_t n = 0; n < arrived.size();) {
            const ssize_t got = ::read(two.far, arrived.data() + n, arrived.size() - n);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) std::abort();
            n += static_cast<std::size_t>(got);
        }
    });
    const auto got = read_some(two.near, reader);
    outbox out;
    out.push(shared_buffer::adopt(std::string(content)));
    kwire::expected<std::uint64_t, std::errc> written;
    std::uint64_t sum = 0;
    do {
        written = write_some(two.near, out);
        sum += written.value_or(0);
    } while (written && !out.empty());
    peer.join();
    ::sigaction(SIGUSR1, &before, nullptr);
    CHECK(got == 12U);
    CHECK(written.has_value());
    CHECK(sum == content.size());
    CHECK((arrived == content));
    CHECK(signals >= 40);
}
