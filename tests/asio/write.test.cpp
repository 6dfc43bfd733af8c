#include <kwire/asio/write.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <optional>
#include <string>

#include "catch.hpp"
#include "support/asio_links.hpp"
#include "support/counted_bytes.hpp"

namespace asio = boost::asio;
using boost::system::error_code;
using kwire::shared_buffer;
using namespace support;

TEMPLATE_TEST_CASE("a flush writes all, by whatever pieces the stream takes, and goes on after cancellation",
                   "", over_tcp, over_unix, over_memory) {
    int live = 0;
    asio::io_context context;
    TestType link(context);
    kwire::outbox out;
    std::string expected, got;
    const auto push = [&](int count) {
        for (int i = 0; i < count; ++i) {
            expected += std::string(1000, static_cast<char>('a' + i % 26));
            out.push(support::counted_bytes(std::string(1000, static_cast<char>('a' + i % 26)), live));
        }
    };
    push(5000);
    std::optional<error_code> done;
    asio::cancellation_signal cancel;
    kwire::async_flush(link.stream, out,
                       asio::bind_cancellation_slot(cancel.slot(), [&](error_code ec) { done = ec; }));
    CHECK_FALSE(done);
    context.poll();
    CHECK_FALSE(done);
    CHECK(live > 0);
    CHECK(live < 5000);
    push(10); // more meanwhile
    cancel.emit(asio::cancellation_type::partial);
    context.restart();
    context.poll();
    REQUIRE(done);
    CHECK(*done == asio::error::operation_aborted);
    CHECK(out.size() == expected.size() - out.sent_bytes());
    done.reset();
    kwire::async_flush(link.stream, out, [&](error_code ec) { done = ec; });
    while (!done || got.size() < expected.size()) {
        context.restart();
        context.run_one_for(std::chrono::milliseconds(1));
        got += link.receive(SIZE_MAX);
    }
    CHECK_FALSE(*done);
    CHECK((got == expected));
    CHECK(live == 0);
    done.reset();
    kwire::async_flush(link.stream, out, [&](error_code ec) { done = ec; }); // nothing to do
    CHECK_FALSE(done);
    context.restart();
    context.poll();
    REQUIRE(done);
    CHECK_FALSE(*done);
}

TEMPLATE_TEST_CASE("a flush of a payload that ends early fails, for a stream of any kind", "", over_unix,
                   over_memory) {
    asio::io_context context;
    TestType link(context);
    kwire::outbox out;
    out.push(shared_buffer::from_static("begin"));
    out.push_pieces(10, [calls = 0](std::size_t) mutable {
        return ++calls == 1 ? shared_buffer::from_static("12345") : shared_buffer();
    });
    std::optional<error_code> done;
    kwire::async_flush(link.stream, out, [&](error_code ec) { done = ec; });
    CHECK_FALSE(done);
    context.poll();
    REQUIRE(done);
    CHECK(*done == std::errc::io_error);
    CHECK(link.receive(SIZE_MAX) == "begin12345");
    done.reset();
    kwire::async_flush(link.stream, out, [&](error_code ec) { done = ec; });
    CHECK_FALSE(done);
    context.restart();
    context.poll();
    REQUIRE(done);
    CHECK(*done == std::errc::io_error);
}

TEST_CASE("a stream that is not a socket is given up to 64 buffers at a time") {
    asio::io_context context;
    over_memory link(context);
    kwire::outbox out;
    for (int i = 0; i < 64; ++i) out.push(shared_buffer::from_static("x"));
    std::optional<error_code> done;
    kwire::async_flush(link.stream, out, [&](error_code ec) { done = ec; });
    context.poll();
    CHECK(done == error_code());
    CHECK(link.stream.writes == 1);
    CHECK(link.stream.write_buffers == 64);
}
