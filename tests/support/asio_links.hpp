/// Streams of Asio of several kinds, each with the peer that a test is; and small requests and answers.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect_pipe.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/writable_pipe.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "support/memory_stream.hpp"
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

namespace support {

inline std::string number(std::uint32_t n) {
    std::string out;
    for (const unsigned shift : {24U, 16U, 8U, 0U}) out += static_cast<char>(n >> shift);
    return out;
}
/// ApiVersions v0, whose body nothing here looks at.
inline std::string request(int id, std::size_t body = 0) {
    const std::string rest = std::string("\0\x12\0\0", 4) + number(static_cast<std::uint32_t>(id)) +
                             "\xff\xff" + std::string(body, 'b');
    return number(static_cast<std::uint32_t>(rest.size())) + rest;
}
inline std::string requests(int first, int count, std::size_t body = 0) {
    std::string all;
    for (int id = first; id < first + count; ++id) all += request(id, body);
    return all;
}
inline std::string answer_text(int id, std::size_t payload = 0) {
    return number(static_cast<std::uint32_t>(4 + payload)) + number(static_cast<std::uint32_t>(id)) +
           std::string(payload, 'p');
}
inline std::string answers_text(int first, int count, std::size_t payload = 0) {
    std::string all;
    for (int id = first; id < first + count; ++id) all += answer_text(id, payload);
    return all;
}
inline kwire::buffer_chain answer(int id, std::size_t payload = 0) {
    kwire::buffer_chain out;
    out.put_u32(static_cast<std::uint32_t>(4 + payload));
    out.put_u32(static_cast<std::uint32_t>(id));
    if (payload != 0) out.put_bytes(kwire::shared_buffer::adopt(std::string(payload, 'p')));
    return out;
}

/// The peer of a native socket: reads and writes what can be done at once.
template <class Socket>
struct socket_peer {
    Socket far;
    explicit socket_peer(boost::asio::io_context& context) : far(context) {}

    std::string to_send;
    void send(std::string_view bytes) {
        to_send += bytes;
        push();
    }
    void push() {
        boost::system::error_code ec;
        far.non_blocking(true);
        while (!to_send.empty()) {
            const std::size_t n = far.write_some(boost::asio::buffer(to_send), ec);
            if (ec) return;
            to_send.erase(0, n);
        }
    }
    std::string receive(std::size_t most) {
        if (!far.is_open()) return {};
        push();
        std::string got(std::min<std::size_t>(most, 1 << 20), '\0');
        boost::system::error_code ec;
        far.non_blocking(true);
        const std::size_t n = got.empty() ? 0 : far.read_some(boost::asio::buffer(got), ec);
        got.resize(n);
        return got;
    }
    void end_of_requests() { far.shutdown(Socket::shutdown_send); }
    void close() { far.close(); }
};

struct over_tcp : socket_peer<boost::asio::ip::tcp::socket> {
    boost::asio::ip::tcp::socket stream;
    explicit over_tcp(boost::asio::io_context& context) : socket_peer(context), stream(context) {
        boost::asio::ip::tcp::acceptor acceptor(context, {boost::asio::ip::address_v4::loopback(), 0});
        far.connect(acceptor.local_endpoint());
        acceptor.accept(stream);
    }
};
struct over_unix : socket_peer<boost::asio::local::stream_protocol::socket> {
    boost::asio::local::stream_protocol::socket stream;
    explicit over_unix(boost::asio::io_context& context) : socket_peer(context), stream(context) {
        boost::asio::local::connect_pair(far, stream);
    }
};
struct over_memory {
    memory_stream stream;
    explicit over_memory(boost::asio::io_context& context) : stream(context.get_executor()) {
        stream.room = 100'000;
    }
    void send(std::string_view bytes) { stream.arrive(bytes); }
    std::string receive(std::size_t most) { return most == 0 ? std::string() : stream.take_written(); }
    void end_of_requests() { stream.end(); }
    void close() {
        stream.end();
        stream.fail_writes(boost::asio::error::broken_pipe);
    }
};
struct over_pipes {
    duplex<boost::asio::readable_pipe, boost::asio::writable_pipe> stream;
    boost::asio::writable_pipe to;
    boost::asio::readable_pipe from;
    explicit over_pipes(boost::asio::io_context& context) : stream(context), to(context), from(context) {
#if defined(BOOST_ASIO_HAS_IO_URING_AS_DEFAULT)
        ::signal(SIGPIPE, SIG_IGN); // Boost 1.81 writes to pipes so that it is raised
#endif
        boost::asio::connect_pipe(stream.in, to);
        boost::asio::connect_pipe(from, stream.out);
        ::fcntl(to.native_handle(), F_SETFL, O_NONBLOCK);
        ::fcntl(from.native_handle(), F_SETFL, O_NONBLOCK);
    }
    std::string to_send;
    bool ends = false;
    void send(std::string_view bytes) {
        to_send += bytes;
        push();
    }
    void push() {
        while (!to_send.empty()) {
            const ssize_t n = ::write(to.native_handle(), to_send.data(), to_send.size());
            if (n <= 0) return;
            to_send.erase(0, static_cast<std::size_t>(n));
        }
        if (ends && to.is_open()) to.close();
    }
    std::string receive(std::size_t most) {
        push();
        std::string got(std::min<std::size_t>(most, 1 << 20), '\0');
        const ssize_t n = ::read(from.native_handle(), got.data(), got.size());
        got.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
        return got;
    }
    void end_of_requests() {
        ends = true;
        push();
    }
    void close() {
        to.close();
        from.close();
    }
};

} // namespace support
