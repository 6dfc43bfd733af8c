#include <kwire/messages/consumer_protocol_assignment.hpp>
#include <kwire/messages/consumer_protocol_subscription.hpp>
#include <kwire/messages/transaction_log_record.hpp>
#include <kwire/write/versioned.hpp>

#include <utility>

#include "catch.hpp"
#include "support/bytes.hpp"

using kwire::test::from_hex;
using kwire::test::to_hex;

TEST_CASE("a message is written after its version, as Kafka's ConsumerProtocol does") {
    const auto subscription = kwire::encode_versioned<kwire::consumer_protocol_subscription>(
        {.topics = {"orders"},
         .owned_partitions = {{.topic = "orders", .partitions = {1}}},
         .generation_id = 5,
         .rack_id = "r1"},
        3);
    REQUIRE(subscription);
    CHECK(to_hex(subscription->span()) == "00030000000100066f7264657273ffffffff0000000100066f7264657273000000"
                                          "01000000010000000500027231");
    const kwire::consumer_protocol_assignment::data data{
        .assigned_partitions = {{.topic = "orders", .partitions = {0, 1}}}};
    const auto assignment = kwire::encode_versioned(data, 3);
    REQUIRE(assignment);
    CHECK(to_hex(assignment->span()) == "00030000000100066f7264657273000000020000000000000001ffffffff");
}

TEST_CASE("a value of the transaction log is written as Kafka's coordinator does") {
    const auto value = kwire::encode_versioned<kwire::transaction_log_value>(
        {.producer_id = 11,
         .producer_epoch = 1,
         .transaction_timeout_ms = 60000,
         .transaction_status = 1,
         .transaction_partitions = {{{.topic = "orders", .partition_ids = {0, 2}}}}},
        1);
    REQUIRE(value);
    CHECK(to_hex(value->span()) ==
          "0001000000000000000b00010000ea600102076f7264657273030000000000000002000000"
          "000000000000000000000000000000");
}

TEST_CASE("the bytes that a message refers to are copied, and they alone are counted") {
    auto before = kwire::copied_bytes();
    CHECK(kwire::encode_versioned<kwire::consumer_protocol_subscription>({.topics = {"orders"}}, 1));
    CHECK(kwire::copied_bytes() == before);

    before = kwire::copied_bytes();
    const auto with_data = kwire::encode_versioned<kwire::consumer_protocol_subscription>(
        {.user_data = kwire::shared_buffer::adopt(from_hex("aabbcc"))}, 0);
    REQUIRE(with_data);
    CHECK(to_hex(with_data->span()) == "00000000000000000003aabbcc");
    CHECK(kwire::copied_bytes() - before == 3);
}

TEST_CASE("what the version cannot carry is refused") {
    CHECK(kwire::encode_versioned<kwire::consumer_protocol_subscription>({}, 4).error() ==
          kwire::errc::unsupported_version);
    CHECK(kwire::encode_versioned<kwire::consumer_protocol_subscription>({}, -1).error() ==
          kwire::errc::unsupported_version);
    CHECK(kwire::encode_versioned<kwire::transaction_log_value>({.next_producer_id = 3}, 0).error() ==
          kwire::errc::field_not_in_version);
}
