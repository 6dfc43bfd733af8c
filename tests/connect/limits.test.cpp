#include <kwire/connect/limits.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/write/encode.hpp>

#include <string>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"

using kwire::errc;
using kwire::limits;
using kwire::shared_buffer;

namespace {

/// What a reader says to a frame of `size` bytes, of which only the length is there.
std::optional<kwire::error> reading(kwire::frame_limits in_force, std::uint32_t size) {
    kwire::request_reader reader(in_force);
    const auto room = reader.prepare();
    kwire::wire::store_be(room.data(), size);
    reader.commit(4);
    return reader.failure();
}

/// A request frame, without its length, whose header has `count` tags of `size` bytes.
shared_buffer tagged(unsigned count, unsigned size) {
    std::string bytes("\x00\x12\x00\x03\x00\x00\x00\x01\xff\xff", 10); // ApiVersions v3, without a client id
    bytes += static_cast<char>(count);
    for (unsigned tag = 0; tag < count; ++tag) {
        bytes += static_cast<char>(tag);
        bytes += static_cast<char>(size);
        bytes.append(size, 'x');
    }
    return shared_buffer::copy_of(bytes);
}

} // namespace

TEST_CASE("limits are the defaults of each layer if nothing is said") {
    constexpr limits usual;
    CHECK(usual.frames().max_frame_bytes == kwire::frame_limits{}.max_frame_bytes);
    CHECK(usual.frames().read_ahead_bytes == kwire::frame_limits{}.read_ahead_bytes);
    CHECK(usual.before_authentication().frames().max_frame_bytes ==
          kwire::frame_limits::before_authentication().max_frame_bytes);
    CHECK(usual.headers().max_tags == kwire::header_limits{}.max_tags);
    CHECK(usual.headers().max_tag_bytes == kwire::header_limits{}.max_tag_bytes);
    CHECK(usual.data().memory_limit == kwire::data_limits{}.memory_limit);
    CHECK(usual.unsent.high == kwire::water_marks{}.high);
    CHECK(usual.unsent.low == kwire::water_marks{}.low);
    CHECK(usual.correlation().most_in_flight == kwire::correlator_options{}.most_in_flight);
}

TEST_CASE("a frame of frame_bytes is read, and a longer one is refused when its length is there") {
    constexpr limits allowed{.frame_bytes = 1000, .frame_bytes_before_authentication = 100};
    CHECK_FALSE(reading(allowed.frames(), 1000));
    const auto refusal = reading(allowed.frames(), 1001);
    REQUIRE(refusal);
    CHECK(*refusal == errc::frame_too_large);
    CHECK(refusal->needed == 1001);
    CHECK(refusal->left == 1000);

    CHECK_FALSE(reading(allowed.before_authentication().frames(), 100));
    CHECK(reading(allowed.before_authentication().frames(), 101).value() == errc::frame_too_large);
}

TEST_CASE("a peer that has not authenticated gets no more than one that has") {
    constexpr limits allowed{.frame_bytes = 1000, .requests_in_flight = 7};
    STATIC_REQUIRE(allowed.before_authentication().frame_bytes == 1000);
    STATIC_REQUIRE(allowed.before_authentication().requests_in_flight == 7);
}

TEST_CASE("a read brings no more than read_ahead_bytes beyond what is asked for") {
    constexpr limits exact{.read_ahead_bytes = 0};
    kwire::request_reader reader(exact.frames());
    CHECK(reader.prepare().size() == 4);
}

TEST_CASE("a header with more tags, or longer ones, than the limits is refused where they begin") {
    const limits allowed{.header_tags = 3, .header_tag_bytes = 40};
    const auto read = [&](const shared_buffer& frame) {
        return kwire::parse_request_frame(frame, {}, allowed.headers());
    };
    CHECK(read(tagged(3, 2)));
    const auto many = read(tagged(4, 2));
    REQUIRE_FALSE(many);
    CHECK(many.error() == errc::too_large);
    CHECK(many.error().offset == 10);
    CHECK(read(tagged(1, 37)));
    CHECK(read(tagged(1, 38)).error() == errc::too_large);
    CHECK(kwire::parse_request_frame(tagged(4, 38)));

    SECTION("in responses too") {
        const auto response = shared_buffer::copy_of(std::string("\x00\x00\x00\x01\x01\x00\x02xx", 9));
        const auto parsed = [&](kwire::header_limits headers) {
            return kwire::parse_response_frame(response, kwire::api_key::metadata, 9, {}, headers);
        };
        CHECK(parsed(allowed.headers()));
        CHECK(parsed({.max_tags = 0}).error() == errc::too_large);
    }
    SECTION("and when a correlator reads whether a request is answered") {
        const auto produce = shared_buffer::copy_of(
            std::string("\x00\x00\x00\x09\x00\x00\x00\x01\xff\xff\x01\x00\x02xx\x00\x00\x01", 18));
        CHECK(kwire::expects_response(produce.span(), {}, allowed.headers()).value());
        kwire::correlator<> pending(limits{.header_tags = 0}.correlation());
        CHECK(pending.sent(produce.span()).error() == errc::too_large);
    }
}

TEST_CASE("limits above the usual ones let longer headers pass") {
    std::string bytes("\x00\x12\x00\x03\x00\x00\x00\x01\xff\xff\x01\x00\xc0\x9a\x0c",
                      15); // a tag of 200000 bytes
    bytes.append(200'000, 'x');
    bytes += "body";
    const auto frame = shared_buffer::copy_of(bytes);
    CHECK(kwire::parse_request_frame(frame).error() == errc::too_large);
    CHECK(kwire::parse_request_frame(frame, {}, {.max_tag_bytes = 200'003}).error() == errc::too_large);
    const auto read = kwire::parse_request_frame(frame, {}, {.max_tag_bytes = 200'005});
    REQUIRE(read);
    CHECK(read->body().size() == 4);
    CHECK(kwire::parse_request_frame(frame, {}, {.max_tag_bytes = UINT32_MAX}));
}

TEST_CASE("a message whose data would take more than data_bytes is refused") {
    kwire::metadata_request::data request;
    for (int i = 0; i < 100; ++i) request.topics.push_back({.name = std::string(100, 'x')});
    auto bytes = kwire::encode(request, 8);
    REQUIRE(bytes);
    const auto view = kwire::parse<kwire::metadata_request>(bytes->to_bytes(), 8);
    REQUIRE(view);
    CHECK(kwire::to_data(*view, limits{}.data()));
    CHECK(kwire::to_data(*view, limits{.data_bytes = 1000}.data()).error() == errc::memory_limit_exceeded);
}

TEST_CASE("a correlator refuses one more request than may be awaited") {
    kwire::correlator<> pending(limits{.responses_awaited = 2}.correlation());
    const shared_buffer request =
        shared_buffer::copy_of(std::string("\x00\x03\x00\x01\x00\x00\x00\x01\xff\xff\x00\x00\x00\x00", 14));
    CHECK(pending.sent(request.span()));
    CHECK(pending.sent(request.span()));
    CHECK(pending.sent(request.span()).error() == errc::too_many_in_flight);
}
