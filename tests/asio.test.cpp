#include <kwire/asio.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect_pipe.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/writable_pipe.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace asio = boost::asio;
using boost::system::error_code;
using kwire::errc;
using kwire::shared_buffer;

namespace {

std::string text(const shared_buffer& b) { return {reinterpret_cast<const char*>(b.begin()), b.size()}; }

std::string frame_of(const std::string& content) {
    std::string out(4, '\0');
    kwire::wire::store_be(reinterpret_cast<std::byte*>(out.data()),
                          static_cast<std::int32_t>(content.size()));
    return out + content;
}

/// A pipe: the test writes to its far end, and one read is in progress at a time.
struct reading {
    asio::io_context context;
    asio::readable_pipe stream{context};
    asio::writable_pipe peer{context};
    kwire::request_reader reader;
    std::optional<error_code> outcome;
    shared_buffer frame;

    reading() { asio::connect_pipe(stream, peer); }

    void send(const std::string& bytes) { asio::write(peer, asio::buffer(bytes)); }
    void start() {
        outcome.reset();
        kwire::async_read_frame(stream, reader, [this](error_code ec, shared_buffer f) {
            outcome = ec;
            frame = std::move(f);
        });
    }
    /// Runs all handlers that are ready.
    void poll() {
        context.restart();
        context.poll();
    }
};

} // namespace

TEST_CASE("a read completes with the last byte of the frame, however the frame is split") {
    const std::string bytes = frame_of("eight or more bytes");
    const auto cut = GENERATE_COPY(range<std::size_t>(0, 23));
    reading r;
    r.start();
    r.poll();
    r.send(bytes.substr(0, cut));
    r.poll();
    CHECK_FALSE(r.outcome);
    r.send(bytes.substr(cut));
    r.poll();
    REQUIRE(r.outcome);
    CHECK_FALSE(*r.outcome);
    CHECK(text(r.frame) == "eight or more bytes");
}

TEST_CASE("each call reads one of several frames in the stream, and copies nothing") {
    const std::string large(100'000,
                            'x'); // more than the capacity of a pipe, and than the reader's first allocation
    const auto before = kwire::copied_bytes();
    reading r;
    std::vector<std::string> received;
    asio::co_spawn(
        r.context,
        [&]() -> asio::awaitable<void> {
            for (;;) {
                auto [ec, frame] =
                    co_await kwire::async_read_frame(r.stream, r.reader, asio::as_tuple(asio::use_awaitable));
                if (ec) {
                    CHECK(ec == asio::error::eof);
                    co_return;
                }
                CHECK(frame.is_unique());
                received.push_back(text(frame));
            }
        },
        [](std::exception_ptr failure) { CHECK(failure == nullptr); });
    const std::string bytes = frame_of("first frame") + frame_of(large) + frame_of("last frame");
    asio::async_write(r.peer, asio::buffer(bytes), [&](error_code, std::size_t) { r.peer.close(); });
    r.context.run();
    CHECK(received == std::vector<std::string>{"first frame", large, "last frame"});
    CHECK(kwire::copied_bytes() == before);
}

TEST_CASE("the end of the stream is eof between frames and truncated inside one") {
    const std::string bytes = frame_of("eight or more bytes");
    for (std::size_t sent = 0; sent < bytes.size(); ++sent) {
        reading r;
        r.start();
        r.send(bytes.substr(0, sent));
        r.peer.close();
        r.poll();
        REQUIRE(r.outcome);
        if (sent == 0)
            CHECK(*r.outcome == asio::error::eof);
        else
            CHECK(*r.outcome == errc::truncated);
        CHECK(r.reader.end_of_stream().has_value() == (sent != 0));
        CHECK(r.frame.empty());
    }
}

TEST_CASE("a refusal of the reader is an error code, with details in the reader, and is permanent") {
    reading r;
    r.send(std::string("\x7f\xff\xff\xff", 4));
    r.start();
    CHECK_FALSE(r.outcome); // never from inside the call
    r.poll();
    REQUIRE(r.outcome);
    CHECK(*r.outcome == errc::frame_too_large);
    CHECK(r.outcome->category() == kwire::error_category());
    CHECK(r.outcome->message() == "frame_too_large");
    CHECK(std::string(r.outcome->category().name()) == "kwire");
    CHECK(r.reader.end_of_stream()->needed == 0x7fffffff);

    r.send(frame_of("eight or more bytes"));
    r.start();
    CHECK_FALSE(r.outcome);
    r.poll();
    REQUIRE(r.outcome);
    CHECK(*r.outcome == errc::frame_too_large);
}

TEST_CASE("every errc is a failure as an error code, and equals only itself") {
    CHECK(kwire::make_error_code(errc{}).failed()); // the first one is 0
    CHECK(kwire::make_error_code(errc::bad_varint) == errc::bad_varint);
    CHECK(kwire::make_error_code(errc::bad_varint) != errc::truncated);
    CHECK(error_code{} != errc{});
}

TEST_CASE("a frame that is already complete is delivered, but not from inside the call") {
    reading r;
    const std::string bytes = frame_of("eight or more bytes");
    for (std::string_view rest = bytes; !rest.empty();) {
        const auto room = r.reader.prepare();
        const std::size_t n = std::min(room.size(), rest.size());
        for (std::size_t i = 0; i < n; ++i) room[i] = static_cast<std::byte>(rest[i]);
        r.reader.commit(n);
        rest.remove_prefix(n);
    }
    r.start();
    CHECK_FALSE(r.outcome);
    r.poll();
    REQUIRE(r.outcome);
    CHECK_FALSE(*r.outcome);
    CHECK(text(r.frame) == "eight or more bytes");
}

TEST_CASE("a read that was cancelled inside a frame can be resumed") {
    const auto kind = GENERATE(asio::cancellation_type::terminal, asio::cancellation_type::partial);
    reading r;
    asio::cancellation_signal stop;
    std::optional<error_code> outcome;
    kwire::async_read_frame(
        r.stream, r.reader,
        asio::bind_cancellation_slot(stop.slot(), [&](error_code ec, shared_buffer) { outcome = ec; }));
    const std::string bytes = frame_of("eight or more bytes");
    r.send(bytes.substr(0, 9));
    r.poll();
    CHECK_FALSE(outcome);
    stop.emit(kind);
    r.poll();
    REQUIRE(outcome);
    CHECK(*outcome == asio::error::operation_aborted);

    r.send(bytes.substr(9));
    r.start();
    r.poll();
    REQUIRE(r.outcome);
    CHECK_FALSE(*r.outcome);
    CHECK(text(r.frame) == "eight or more bytes");
}

TEST_CASE("running out of memory for a frame is an error code, and the next call continues") {
    struct short_of_memory : kwire::detail::copying_memory {
        bool refused = false;
        shared_buffer take(std::size_t size) {
            if (!std::exchange(refused, true)) throw std::bad_alloc();
            return copying_memory::take(size);
        }
    };
    reading r;
    kwire::basic_request_reader<short_of_memory> reader({.read_ahead_bytes = 0});
    std::vector<error_code> outcomes;
    const auto start = [&] {
        kwire::async_read_frame(r.stream, reader, [&](error_code ec, shared_buffer f) {
            outcomes.push_back(ec);
            r.frame = std::move(f);
        });
        r.poll();
    };
    r.send(frame_of("eight or more bytes"));
    start();
    REQUIRE(outcomes == std::vector<error_code>{asio::error::no_memory});
    start();
    REQUIRE(outcomes.size() == 2);
    CHECK_FALSE(outcomes.back());
    CHECK(text(r.frame) == "eight or more bytes");
}

TEST_CASE("a future returns the frame or throws") {
    reading r;
    r.send(frame_of("eight or more bytes"));
    auto frame = kwire::async_read_frame(r.stream, r.reader, asio::use_future);
    r.context.run();
    CHECK(text(frame.get()) == "eight or more bytes");
    r.peer.close();
    auto none = kwire::async_read_frame(r.stream, r.reader, asio::use_future);
    r.context.restart();
    r.context.run();
    CHECK_THROWS_AS(none.get(), boost::system::system_error);
}
