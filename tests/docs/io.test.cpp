// needs: asio
// The code of docs/io.md; tests/docs/test_pages.py looks for each of its blocks here.
#include <kwire/asio.hpp>
#include <kwire/buffer/mapped_file.hpp>
#include <kwire/connect/posix.hpp>
#include <kwire/connect/produce_stream.hpp>
#include <kwire/expected.hpp>
#include <kwire/kwire.hpp>
#include <kwire/messages/api_versions.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/produce.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#include "catch.hpp"
#include <sys/socket.h>
#include <unistd.h>

namespace asio = boost::asio;

namespace {

kwire::buffer_chain answer_to(const kwire::request_frame& request) {
    return kwire::encode_response(kwire::api_versions_response::data{}, 0, request.correlation_id()).value();
}
kwire::buffer_chain answer_to(kwire::shared_buffer frame) {
    return answer_to(kwire::parse_request_frame(std::move(frame)).value());
}
std::string logged;
void log(std::string_view reason) { logged = reason; }

std::string in_file;
void append_to_file(std::string_view topic, std::int32_t partition, const kwire::shared_buffer& bytes) {
    CHECK(topic == "orders");
    CHECK(partition == 4);
    in_file.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}
std::size_t handled = 0;
void handle(const kwire::shared_buffer&) { ++handled; }
void handle_without_records(const kwire::message<kwire::produce_request>& request) {
    CHECK(request->acks() == 1);
    ++handled;
}

kwire::expected<void, kwire::error> read_all(int socket, kwire::request_reader& reader, kwire::outbox& out) {
    for (;;) {
        auto frame = reader.next();
        if (!frame) return kwire::unexpected(frame.error()); // too large, or another protocol
        if (*frame) {
            out.push(answer_to(**std::move(frame)));
            continue;
        }
        const auto room = reader.prepare();
        const ssize_t received = ::recv(socket, room.data(), room.size(), 0);
        if (received <= 0) return {};
        reader.commit(static_cast<std::size_t>(received));
    }
}

kwire::expected<void, kwire::error> take(kwire::request_reader& reader, kwire::produce_stream& large) {
    for (;;) {
        auto piece = reader.next_piece(1 << 20); // frames of 1 MiB and more come in pieces
        if (!piece) return kwire::unexpected(piece.error());
        if (!*piece) return {};
        if ((*piece)->is_whole()) {
            handle((*piece)->bytes);
            continue;
        }
        auto rest = large.add(**piece, [](const kwire::produce_chunk& chunk) {
            append_to_file(chunk.topic, chunk.partition, chunk.bytes);
        });
        if (!rest) return kwire::unexpected(rest.error());
        if (*rest) handle_without_records(**rest); // the request, whose records are empty
    }
}

void finish(kwire::answer_queue& answers, kwire::answer_queue::ticket request, kwire::buffer_chain answer,
            kwire::outbox& out) {
    answers.put(request, std::move(answer), out); // out gets all answers that are due now
}

kwire::buffer_chain answer_from_file(const kwire::shared_buffer& segment, std::size_t from, std::size_t size,
                                     std::int32_t correlation_id) {
    kwire::fetch_response::data answer;
    auto& topic = answer.responses.emplace_back();
    topic.topic = "orders";
    topic.partitions.push_back({.partition_index = 0, .records = segment.slice(from, size).value()});
    return kwire::encode_response(answer, 12, correlation_id).value();
}

asio::awaitable<void> serve(asio::ip::tcp::socket socket) {
    kwire::serve_options options;
    options.patience.idle = std::chrono::minutes(10);
    const kwire::serve_report end = co_await kwire::async_serve(
        socket,
        [](kwire::request_frame request, kwire::responder answer) { answer.send(answer_to(request)); },
        options, asio::use_awaitable);
    if (end.why != kwire::serve_stop::end_of_stream)
        log(end.reason); // "it sent 2 of 4 bytes of a length, ..."
}

std::string bytes_of_chain(const kwire::buffer_chain& chain) {
    const kwire::shared_buffer all = chain.to_bytes();
    return {reinterpret_cast<const char*>(all.data()), all.size()};
}
std::string request(std::int32_t id) {
    return bytes_of_chain(
        kwire::encode_request<kwire::api_versions_request>(kwire::api_versions_request::data{}, 0, id, "me")
            .value());
}
/// What a peer reads until the other side closes.
std::string received_from(int socket) {
    std::string out;
    std::array<char, 4096> buffer{};
    for (ssize_t n = 0; (n = ::read(socket, buffer.data(), buffer.size())) > 0;)
        out.append(buffer.data(), static_cast<std::size_t>(n));
    return out;
}

struct socket_pair {
    int near = -1, far = -1;
    socket_pair() {
        int both[2] = {-1, -1};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, both) == 0);
        near = both[0];
        far = both[1];
    }
    ~socket_pair() {
        ::close(near);
        ::close(far);
    }
};

} // namespace

TEST_CASE("the loop of docs/io.md answers requests that arrive together, with one write") {
    const socket_pair sockets;
    const std::string asked = request(1) + request(2) + request(3);
    REQUIRE(::write(sockets.far, asked.data(), asked.size()) == static_cast<ssize_t>(asked.size()));
    ::shutdown(sockets.far, SHUT_WR);
    kwire::request_reader reader;
    kwire::outbox out;
    REQUIRE(read_all(sockets.near, reader, out));
    CHECK(reader.frames() == 3);
    CHECK(reader.reads() == 1);
    REQUIRE(kwire::write_some(sockets.near, out));
    CHECK(out.writes() == 1);
    ::shutdown(sockets.near, SHUT_WR);
    CHECK(received_from(sockets.far).size() == 3 * 14);
}

TEST_CASE("the streaming loop of docs/io.md takes a large request apart, and small ones whole") {
    kwire::produce_request::data body{.acks = 1};
    body.topic_data.push_back({.name = "orders"});
    const std::string records(3'000'000, 'r');
    body.topic_data[0].partition_data.push_back(
        {.index = 4, .records = kwire::shared_buffer::copy_of(records)});
    const std::string stream =
        bytes_of_chain(kwire::encode_request<kwire::produce_request>(body, 9, 1, "me").value()) + request(2);
    kwire::request_reader reader;
    kwire::produce_stream large;
    for (std::string_view rest = stream; !rest.empty();) {
        const auto room = reader.prepare();
        const std::size_t n = std::min(room.size(), rest.size());
        std::memcpy(room.data(), rest.data(), n);
        reader.commit(n);
        rest.remove_prefix(n);
        REQUIRE(take(reader, large));
    }
    CHECK(in_file == records);
    CHECK(handled == 2);
}

TEST_CASE("answers leave in the order of their requests") {
    kwire::answer_queue answers;
    kwire::outbox out;
    const auto first = answers.expect(), second = answers.expect();
    finish(answers, second, kwire::shared_buffer::copy_of("second"), out);
    CHECK(out.empty());
    finish(answers, first, kwire::shared_buffer::copy_of("first"), out);
    CHECK(out.size() == 11);
}

TEST_CASE("records of a file leave as they lie in it") {
    std::FILE* const file = std::tmpfile();
    REQUIRE(file != nullptr);
    const std::string content(100'000, 'f');
    REQUIRE(std::fwrite(content.data(), 1, content.size(), file) == content.size());
    std::fflush(file);
    const auto segment = kwire::map_file(::fileno(file), 0, content.size()).value();
    std::fclose(file);
    const socket_pair sockets;
    kwire::outbox out;
    out.push(answer_from_file(segment, 100, 50'000, 7));
    const auto size = out.size();
    REQUIRE(kwire::write_some(sockets.near, out).value() == size);
    ::shutdown(sockets.near, SHUT_WR);
    CHECK(received_from(sockets.far).find(std::string(50'000, 'f')) != std::string::npos);
}

TEST_CASE("the server of docs/io.md answers, and says why it stopped") {
    asio::io_context context;
    asio::ip::tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
    asio::ip::tcp::socket client(context);
    client.connect(acceptor.local_endpoint());
    asio::co_spawn(context, serve(acceptor.accept()),
                   [](std::exception_ptr failure) { CHECK_FALSE(failure); });
    asio::write(client, asio::buffer(request(1) + request(2) + "GET / HTTP/1.1\r\n"));
    context.run();
    std::string answers(28, ' ');
    asio::read(client, asio::buffer(answers));
    CHECK_FALSE(logged.empty());
}
