#include <kwire/asio/read.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <optional>
#include <string>

#include "catch.hpp"
#include "support/asio_links.hpp"

namespace asio = boost::asio;
using boost::system::error_code;
using namespace support;

TEMPLATE_TEST_CASE("a fill leaves all frames of a read to next(), and goes on after cancellation", "",
                   over_tcp, over_memory) {
    asio::io_context context;
    TestType link(context);
    kwire::request_reader reader;
    std::optional<error_code> done;
    asio::cancellation_signal cancel;
    const auto fill = [&] {
        done.reset();
        kwire::async_fill(link.stream, reader,
                          asio::bind_cancellation_slot(cancel.slot(), [&](error_code ec) { done = ec; }));
        CHECK_FALSE(done);
    };
    const auto run = [&] {
        for (int i = 0; i < 20; ++i) {
            context.restart();
            context.run_one_for(std::chrono::milliseconds(1));
        }
    };
    link.send(requests(1, 3) + request(4).substr(0, 6));
    fill();
    run();
    CHECK(done == error_code());
    CHECK(reader.has_frame_or_failed());
    fill(); // a frame waits
    run();
    CHECK(done == error_code());
    for (int i = 0; i < 3; ++i) CHECK(reader.next().value().has_value());
    fill();
    run();
    CHECK_FALSE(done);
    cancel.emit(asio::cancellation_type::partial);
    run();
    CHECK(done == error_code(asio::error::operation_aborted));
    link.send(request(4).substr(6));
    fill();
    run();
    CHECK(done == error_code());
    CHECK(reader.next().value().value().size() == 10);
    link.send("no");
    link.end_of_requests();
    fill();
    run();
    REQUIRE(done);
    CHECK(*done == kwire::errc::truncated);
}
