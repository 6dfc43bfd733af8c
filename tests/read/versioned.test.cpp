#include <kwire/messages/consumer_protocol_assignment.hpp>
#include <kwire/messages/consumer_protocol_subscription.hpp>
#include <kwire/messages/offset_commit_record.hpp>
#include <kwire/read/versioned.hpp>
#include <kwire/reflect/dynamic.hpp>
#include <kwire/write/to_data.hpp>
#include <kwire/write/versioned.hpp>

#include <cstddef>
#include <string>
#include <string_view>

#include "catch.hpp"
#include "support/bytes.hpp"

using kwire::errc;
using kwire::parse_versioned_view;
using kwire::test::exact_bytes;
using kwire::test::from_hex;
using kwire::test::to_hex;
using subscription = kwire::consumer_protocol_subscription;
using assignment = kwire::consumer_protocol_assignment;

namespace {

// "testtopic", with user data of no bytes; without owned partitions.
constexpr std::string_view of_kafkajs = "0001 00000001 0009 74657374746f706963 00000000";
// As Kafka's own ConsumerProtocol writes it: orders, owned partition 1, generation 5, rack r1.
constexpr std::string_view of_kafka = "0003 00000001 0006 6f7264657273 ffffffff 00000001 0006 6f7264657273 "
                                      "00000001 00000001 00000005 0002 7231";

/// The version that a subscription is read as; for what is refused the line that says why.
std::string outcome(std::string_view hex, kwire::parse_options options = {}) {
    const exact_bytes bytes(from_hex(hex));
    const auto view = parse_versioned_view<subscription>(bytes.span(), options);
    const auto dynamic =
        kwire::parse_versioned_view(kwire::message_info_of<subscription>, bytes.span(), options);
    REQUIRE(view.has_value() == dynamic.has_value());
    if (view) {
        CHECK(to_hex(bytes_of(*view)) == to_hex(dynamic->bytes()));
        return "v" + std::to_string(kwire::version_of(*view));
    }
    const std::string line(std::string_view(kwire::describe(view.error())));
    CHECK(line == std::string_view(kwire::describe(dynamic.error())));
    return line;
}

} // namespace

TEST_CASE("a version in front decides how the bytes after it are read") {
    const exact_bytes bytes(from_hex(of_kafka));
    const auto view = parse_versioned_view<subscription>(bytes.span());
    REQUIRE(view);
    CHECK(kwire::version_of(*view) == 3);
    CHECK(*view->topics().begin() == "orders");
    CHECK((*view->owned_partitions().begin()).partitions()[0] == 1);
    CHECK(view->generation_id() == 5);
    CHECK(view->rack_id() == "r1");
    CHECK(to_hex(bytes_of(*view)) == to_hex(bytes.span().subspan(2)));
}

TEST_CASE("the value that Kafka 4 writes for a committed offset is read") {
    const exact_bytes bytes(from_hex("0004 000000000021d4a8 ffffffff 01 0000019964f2d836 00"));
    const auto value = parse_versioned_view<kwire::offset_commit_value>(bytes.span());
    REQUIRE(value);
    CHECK(value->offset() == 2217128);
    CHECK(value->leader_epoch() == -1);
    CHECK(value->metadata().empty());
    CHECK(value->commit_timestamp() == 1758335260726);
}

TEST_CASE("a newer version is read as the newest that is known, and what follows is ignored") {
    CHECK(outcome("0009 00000001 0009 74657374746f706963 00000000 00000000 00000001 ffff aabb") == "v3");
    CHECK(outcome("7fff 00000000 ffffffff 00000000 ffffffff ffff") == "v3");
    CHECK(outcome("0009 00000001 0009 74657374746f706963 00000000 00000000") ==
          "ConsumerProtocolSubscription v3 generation_id: truncated at byte 25, needs 4 bytes, 0 left");
}

TEST_CASE("spare bytes in a known version are refused unless they are tolerated, as by Kafka") {
    constexpr std::string_view spare = "0001 00000001 0009 74657374746f706963 00000000 00000000 aa";
    CHECK(outcome(spare) == "ConsumerProtocolSubscription v1: trailing_bytes at byte 25");
    CHECK(outcome(spare, kwire::parse_options::as_kafka()) == "v1");
}

TEST_CASE("no bytes are absent, and a byte is not a version") {
    CHECK(outcome("") == "ConsumerProtocolSubscription: absent at byte 0");
    CHECK(outcome("", kwire::parse_options::lenient()) == "ConsumerProtocolSubscription: absent at byte 0");
    CHECK(outcome("00") == "ConsumerProtocolSubscription: truncated at byte 0, needs 2 bytes, 1 left");
    CHECK(parse_versioned_view<assignment>(std::span<const std::byte>()).error() == errc::absent);
}

TEST_CASE("versions below the lowest are refused") {
    CHECK(outcome("ffff 00000000 ffffffff") == "ConsumerProtocolSubscription: unsupported_version at byte 0");
    CHECK(outcome("8000 00000000 ffffffff", kwire::parse_options::lenient()) ==
          "ConsumerProtocolSubscription: unsupported_version at byte 0");
}

TEST_CASE("what kafkajs and kafka-go send is read without its missing field if that is tolerated") {
    constexpr kwire::parse_options missing{.missing_newer_fields = true};
    CHECK(outcome(of_kafkajs) ==
          "ConsumerProtocolSubscription v1 owned_partitions: truncated at byte 21, needs 4 bytes, 0 left");
    CHECK(outcome(of_kafkajs, missing) == "v0");
    CHECK(outcome(of_kafkajs, kwire::parse_options::lenient()) == "v0");
    CHECK(outcome("0002 00000001 0001 74 ffffffff 00000000", missing) == "v1");
    CHECK(outcome("0003 00000001 0001 74 ffffffff 00000000 00000005", missing) == "v2");
    CHECK(outcome("0009 00000001 0001 74 ffffffff 00000000 00000005", missing) == "v2");
    CHECK(outcome("0003 00000001 0001 74 ffffffff", missing) == "v0");

    const exact_bytes bytes(from_hex(of_kafkajs));
    const auto view = parse_versioned_view<subscription>(bytes.span(), missing);
    REQUIRE(view);
    CHECK(*view->topics().begin() == "testtopic");
    CHECK(view->owned_partitions().empty());
    CHECK(view->generation_id() == -1);
    const auto written = kwire::encode_versioned<subscription>(kwire::copy_to_data(*view), 1);
    REQUIRE(written);
    CHECK(to_hex(written->span()) == to_hex(from_hex(of_kafkajs)) + "00000000");
}

TEST_CASE("a field that is cut in two is refused, whatever is tolerated") {
    for (const auto options : {kwire::parse_options::as_kafka(), kwire::parse_options::lenient(),
                               kwire::parse_options{.missing_newer_fields = true}}) {
        CHECK(
            outcome("0001 00000001 0001 74 ffffffff 0000", options) ==
            "ConsumerProtocolSubscription v1 owned_partitions: truncated at byte 13, needs 4 bytes, 2 left");
        CHECK(outcome("0001 00000001 0009 74", options) ==
              "ConsumerProtocolSubscription v1 topics[0]: truncated at byte 8, needs 9 bytes, 1 left");
    }
}

TEST_CASE("every cut of a subscription is refused, or the message of an older version") {
    const auto all = from_hex(of_kafka);
    for (std::size_t size = 0; size < all.size(); ++size) {
        const exact_bytes cut(std::span<const std::byte>(all).first(size));
        CHECK(!parse_versioned_view<subscription>(cut.span()));
        const auto view = parse_versioned_view<subscription>(cut.span(), kwire::parse_options::lenient());
        CHECK(view.has_value() == (size == 18 || size == 38 || size == 42));
        if (view) CHECK(to_hex(bytes_of(*view)) == to_hex(cut.span().subspan(2)));
    }
}

TEST_CASE("parse_versioned keeps the bytes alive and copies none") {
    const auto before = kwire::copied_bytes();
    auto buffer = kwire::shared_buffer::adopt(from_hex(of_kafka));
    const auto message = kwire::parse_versioned<subscription>(std::move(buffer));
    REQUIRE(message);
    CHECK(*message->topics().begin() == "orders");
    CHECK((*message).api_version() == 3);
    CHECK((*message).body().size() == from_hex(of_kafka).size() - 2);
    CHECK(!(*message).in_frame());
    const auto kept = message.hold(*message->owned_partitions().begin());
    REQUIRE(kept);
    CHECK((*kept)->topic() == "orders");
    CHECK(kwire::copied_bytes() == before);

    CHECK(kwire::parse_versioned<subscription>(kwire::shared_buffer()).error() == errc::absent);
    const auto lenient = kwire::parse_versioned<subscription>(
        kwire::shared_buffer::adopt(from_hex(of_kafkajs)), kwire::parse_options::lenient());
    REQUIRE(lenient);
    CHECK(*lenient->topics().begin() == "testtopic");
}
