// Reading and writing on sockets and in memory: the figures of docs/io.md. Prints a table; exit status 1 if
// what came out is not what went in.
#include <kwire/connect/dispatch.hpp>
#include <kwire/connect/frame_reader.hpp>
#include <kwire/connect/outbox.hpp>
#include <kwire/connect/posix.hpp>
#include <kwire/messages/api_versions.hpp>
#include <kwire/messages/heartbeat.hpp>
#include <kwire/write/encode.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using clock_type = std::chrono::steady_clock;

void check(bool truth, const char* what) {
    if (truth) return;
    std::fprintf(stderr, "bench/io: %s\n", what);
    std::exit(EXIT_FAILURE);
}

double seconds_since(clock_type::time_point start) {
    return std::chrono::duration<double>(clock_type::now() - start).count();
}

double thread_cpu() {
    ::timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

template <class F>
double median_of(int rounds, F measure) {
    std::vector<double> all;
    for (int i = 0; i < rounds; ++i) all.push_back(measure());
    std::ranges::nth_element(all, all.begin() + rounds / 2);
    return all[static_cast<std::size_t>(rounds / 2)];
}

struct socket_pair {
    int near = -1, far = -1;
    socket_pair() {
        int both[2];
        check(::socketpair(AF_UNIX, SOCK_STREAM, 0, both) == 0, "no socket pair");
        near = both[0];
        far = both[1];
        const int room = 4 << 20;
        for (const int each : both) {
            ::setsockopt(each, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
            ::setsockopt(each, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
        }
    }
    socket_pair(const socket_pair&) = delete;
    socket_pair& operator=(const socket_pair&) = delete;
    ~socket_pair() {
        ::close(near);
        ::close(far);
    }
};

void write_all(int descriptor, const std::string& bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
        const ssize_t n = ::write(descriptor, bytes.data() + at, bytes.size() - at);
        check(n > 0, "a write failed");
        at += static_cast<std::size_t>(n);
    }
}

/// `count` Heartbeat requests of 60 bytes, length included.
std::string heartbeats(std::size_t count) {
    const kwire::heartbeat_request::data body{
        .group_id = "group", .generation_id = 3, .member_id = "member-1-012345678901234567x"};
    std::string out;
    for (std::size_t i = 0; i < count; ++i) {
        const auto frame =
            kwire::encode_request<kwire::heartbeat_request>(body, 0, static_cast<std::int32_t>(i), "bench")
                .value();
        for (const kwire::chain_segment& segment : frame)
            out.append(reinterpret_cast<const char*>(segment.data()), segment.size());
    }
    return out;
}

/// What a broker does with a small request before it answers: the header, the right type, a field.
std::uint64_t handle(const kwire::shared_buffer& frame) {
    return kwire::dispatch(frame,
                           kwire::overloaded{[](const kwire::message<kwire::heartbeat_request>& beat) {
                                                 return static_cast<std::uint64_t>(beat->generation_id());
                                             },
                                             [](const kwire::request_frame&) { return std::uint64_t{0}; }})
        .value();
}

/// Frames a second of processor time through reader, header and dispatch, from memory.
double from_memory(const std::string& stream, std::size_t count) {
    kwire::request_reader reader;
    const double start = thread_cpu();
    std::uint64_t sum = 0, frames = 0;
    for (std::size_t at = 0; at < stream.size();) {
        const auto room = reader.prepare();
        const std::size_t n = std::min(room.size(), stream.size() - at);
        std::memcpy(room.data(), stream.data() + at, n);
        reader.commit(n);
        at += n;
        while (const auto frame = reader.next().value()) {
            sum += handle(*frame);
            ++frames;
        }
    }
    check(sum == 3 * count && frames == count, "requests from memory were lost");
    return static_cast<double>(count) / (thread_cpu() - start);
}

struct from_socket_result {
    double frames_per_second = 0, reads_per_frame = 0;
};

/// The same from a socket into which a peer writes all it has.
from_socket_result from_socket(const std::string& stream, std::size_t count, std::uint32_t read_ahead) {
    const socket_pair sockets;
    std::thread peer([&] { write_all(sockets.far, stream); });
    kwire::request_reader reader({.read_ahead_bytes = read_ahead});
    const double start = thread_cpu();
    std::uint64_t sum = 0;
    while (reader.frames() != count) {
        check(kwire::read_some(sockets.near, reader).value_or(0) != 0, "the socket has ended");
        while (const auto frame = reader.next().value()) sum += handle(*frame);
    }
    const double spent = thread_cpu() - start;
    peer.join();
    check(sum == 3 * count, "requests from the socket were lost");
    return {static_cast<double>(count) / spent,
            static_cast<double>(reader.reads()) / static_cast<double>(count)};
}

/// Seconds for `count` frames of 1 MiB over a socket pair.
double large_frames(std::size_t count, bool bare) {
    constexpr std::size_t size = 1 << 20;
    const socket_pair sockets;
    std::string frame(size + 4, 'x');
    kwire::wire::store_be(reinterpret_cast<std::byte*>(frame.data()), std::uint32_t{size});
    std::thread peer([&] {
        for (std::size_t i = 0; i < count; ++i) write_all(sockets.far, frame);
    });
    const auto start = clock_type::now();
    if (bare) {
        std::vector<char> buffer(size + 4);
        for (std::uint64_t left = count * (size + 4); left != 0;) {
            const ssize_t n = ::read(sockets.near, buffer.data(), buffer.size());
            check(n > 0, "the socket has ended");
            left -= static_cast<std::uint64_t>(n);
        }
    } else {
        kwire::response_reader reader;
        while (reader.frames() != count) {
            check(kwire::read_some(sockets.near, reader).value_or(0) != 0, "the socket has ended");
            while (const auto got = reader.next().value())
                check(got->size() == size, "a frame has another size");
        }
    }
    const double spent = seconds_since(start);
    peer.join();
    return spent;
}

/// Processor seconds of the sender for `size` bytes of a file.
double send_file(int file, std::size_t size, bool by_reference) {
    const socket_pair sockets;
    std::uint64_t received = 0;
    std::thread peer([&] {
        std::vector<char> buffer(1 << 20);
        for (ssize_t n = 0; (n = ::read(sockets.far, buffer.data(), buffer.size())) > 0;)
            received += static_cast<std::uint64_t>(n);
    });
    const double start = thread_cpu();
    {
        kwire::outbox out;
        if (by_reference) {
            out.push(kwire::map_file(file, 0, size).value());
            check(kwire::write_some(sockets.near, out).has_value(), "sendfile failed");
        } else { // what a broker does without: read pieces, write pieces
            std::uint64_t at = 0;
            out.push_pieces(size, [&](std::size_t most) {
                auto piece = kwire::unique_buffer::with_capacity(most);
                const ssize_t n = ::pread(file, piece.spare().data(), most, static_cast<::off_t>(at));
                check(n > 0, "the file has ended");
                piece.commit(static_cast<std::size_t>(n));
                at += static_cast<std::uint64_t>(n);
                return std::move(piece).freeze();
            });
            check(kwire::write_some(sockets.near, out).has_value(), "a write failed");
        }
    }
    const double spent = thread_cpu() - start;
    ::shutdown(sockets.near, SHUT_WR);
    peer.join();
    check(received == size, "bytes of the file were lost");
    return spent;
}

std::uint64_t writes_of_64_answers() {
    const socket_pair sockets;
    kwire::outbox out;
    for (std::int32_t i = 0; i < 64; ++i)
        out.push(kwire::encode_response(kwire::api_versions_response::data{}, 0, i).value());
    check(kwire::write_some(sockets.near, out).has_value() && out.empty(), "a write failed");
    return out.writes();
}

} // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
    std::printf("| work | measured | reach |\n|---|---|---|\n");

    constexpr std::size_t many = 1'000'000;
    const std::string small = heartbeats(many);
    check(small.size() == 60 * many, "a request has another size");
    const std::string some = small.substr(0, 60 * 200'000);
    const double memory = median_of(rounds, [&] { return from_memory(small, many); });
    const double exact = median_of(rounds, [&] { return from_socket(some, 200'000, 0).frames_per_second; });
    const from_socket_result ahead = from_socket(small, many, kwire::frame_limits{}.read_ahead_bytes);
    std::printf(
        "| requests of 60 bytes through reader, header and dispatch, from memory | %.1f million/s | 5 |\n",
        memory / 1e6);
    std::printf(
        "| the same, from a socket pair | %.1f million/s, %.1f times the exact reader's %.2f | 3 times |\n",
        ahead.frames_per_second / 1e6, ahead.frames_per_second / exact, exact / 1e6);
    std::printf("| reads for one of them | %.4f | 0.05 |\n", ahead.reads_per_frame);

    const auto ratio = median_of(rounds, [] { return large_frames(500, true) / large_frames(500, false); });
    std::printf(
        "| frames of 1 MiB over a socket pair, against a bare read loop | %.2f times as fast | 0.95 |\n",
        ratio);

    std::printf("| writes for 64 answers | %ju | 1 |\n", std::uintmax_t{writes_of_64_answers()});

    std::FILE* const temporary = std::tmpfile();
    check(temporary != nullptr, "no file");
    const int file = ::fileno(temporary);
    constexpr std::size_t size = 100'000'000;
    write_all(file, std::string(size, 'x'));
    const double copying = median_of(rounds, [&] { return send_file(file, size, false); });
    const double sending = median_of(rounds, [&] { return send_file(file, size, true); });
    std::fclose(temporary);
    std::printf("| processor time to send 100 MB of a file, against reading and writing it | %.2f | 0.2 |\n",
                sending / copying);
}
