#include <kwire/connect/frame.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/read/message.hpp>

#include <type_traits>
#include <utility>

#include "catch.hpp"
#include "support/aborts.hpp"
#include "support/bytes.hpp"

using kwire::message;
using kwire::shared_buffer;
using kwire::test::from_hex;
using fetch = kwire::fetch_request;

namespace {

shared_buffer frame_of(const kwire::buffer_chain& sent) {
    const shared_buffer bytes = sent.to_bytes();
    return bytes.slice(4, bytes.size() - 4).value(); // after the length
}

/// Fetch of one topic, correlation id 9, from the client "me".
shared_buffer fetch_frame() {
    return frame_of(
        kwire::encode_request<fetch>({.max_bytes = 7, .topics = {{.topic = "orders"}}}, 12, 9, "me").value());
}

template <class T>
concept shows_header = requires(T&& t) { std::forward<T>(t).header(); };
template <class T>
concept shows_frame = requires(T&& t) { std::forward<T>(t).frame(); };

static_assert(shows_header<const message<fetch>&> && !shows_header<message<fetch>>);
static_assert(shows_frame<const message<fetch>&> && shows_frame<message<fetch>>); // the latter moves it out
// Only parse makes messages of bytes.
static_assert(!std::is_constructible_v<message<fetch>, fetch::view, shared_buffer>);
static_assert(std::copyable<message<fetch>> && std::is_nothrow_move_constructible_v<message<fetch>>);

} // namespace

TEST_CASE("a message that came in a frame has its header, and the frame to pass on") {
    const shared_buffer bytes = fetch_frame();
    const auto parsed = kwire::parse<fetch>(kwire::parse_request_frame(bytes).value());
    REQUIRE(parsed);
    const message<fetch>& request = *parsed;
    CHECK(request.in_frame());
    CHECK(request.api_version() == 12);
    CHECK(request.correlation_id() == 9);
    CHECK(request.client_id() == "me");
    CHECK(request.header().request_api_key() == kwire::api_key::fetch);
    CHECK(request.header().client_id()->data() == reinterpret_cast<const char*>(bytes.data()) + 10);
    CHECK(request.frame().data() == bytes.data());
    CHECK(request.frame().size() == bytes.size());
    const shared_buffer body = request.body();
    CHECK(body.data() == kwire::bytes_of(*request).data());
    CHECK(body.size() == kwire::bytes_of(*request).size());
}

TEST_CASE("a message that was read from its body alone has no header, and asking for one aborts") {
    const shared_buffer body = kwire::parse_request_frame(fetch_frame()).value().body();
    const auto parsed = kwire::parse<fetch>(body, 12);
    REQUIRE(parsed);
    const message<fetch>& request = *parsed;
    CHECK_FALSE(request.in_frame());
    CHECK(request.body() == body);
    CHECK(request.bytes().data() == body.data());
    CHECK(support::aborts([&] { (void)request.header(); }));
    CHECK(support::aborts([&] { (void)request.correlation_id(); }));
    CHECK(support::aborts([&] { (void)request.client_id(); }));
    CHECK(support::aborts([&] { (void)request.frame(); }));
}

TEST_CASE("a message that was moved from is in no frame") {
    auto request = kwire::parse<fetch>(kwire::parse_request_frame(fetch_frame()).value()).value();
    const auto moved = std::move(request);
    CHECK_FALSE(request.in_frame()); // NOLINT(bugprone-use-after-move)
    CHECK(request.body().empty());
    CHECK(support::aborts([&] { (void)request.header(); }));
    CHECK(moved->max_bytes() == 7);
    CHECK(moved.client_id() == "me");
}

TEST_CASE("copies of a message share its bytes and outlive it") {
    auto request = kwire::parse<fetch>(kwire::parse_request_frame(fetch_frame()).value()).value();
    const auto copies = kwire::copied_bytes();
    const auto copy = request;
    request = {};
    CHECK((*copy->topics().begin()).topic() == "orders");
    CHECK(kwire::copied_bytes() == copies);
}

TEST_CASE("parts of a message are held and sliced, and parts of another one are refused") {
    const auto request = kwire::parse<fetch>(kwire::parse_request_frame(fetch_frame()).value()).value();
    const auto other = kwire::parse<fetch>(kwire::parse_request_frame(fetch_frame()).value()).value();
    const auto topic = *request->topics().begin();
    const auto kept = request.hold(topic);
    REQUIRE(kept);
    CHECK((*kept)->topic() == "orders");
    CHECK_FALSE(other.hold(topic));
    CHECK(request.slice(topic.topic())->size() == 6);
    CHECK_FALSE(other.slice(topic.topic()));
}

TEST_CASE("a frame of another API is not read as the message, and the error names the frame's") {
    const auto refused =
        kwire::parse<kwire::metadata_request>(kwire::parse_request_frame(fetch_frame()).value());
    REQUIRE_FALSE(refused);
    CHECK(std::string(kwire::describe(refused.error())) == "Fetch v12: api_mismatch");
}

TEST_CASE("a response has the header of a response") {
    const auto sent = kwire::encode_response<kwire::metadata_response>({.controller_id = 3}, 12, 7).value();
    const auto frame = kwire::parse_response_frame(frame_of(sent), kwire::api_key::metadata, 12);
    REQUIRE(frame);
    const auto answer = kwire::parse<kwire::metadata_response>(*frame);
    REQUIRE(answer);
    CHECK((*answer).header().correlation_id() == 7);
    CHECK((*answer).correlation_id() == 7);
    CHECK(answer->controller_id() == 3);
}
