#include <kwire/embedded/consumer_protocol.hpp>
#include <kwire/messages/describe_groups.hpp>
#include <kwire/messages/group_metadata_record.hpp>
#include <kwire/messages/join_group.hpp>
#include <kwire/messages/sync_group.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/write/encode.hpp>

#include <span>
#include <string>
#include <string_view>

#include "catch.hpp"
#include "embedded/stored_records.hpp"
#include "support/bytes.hpp"

using kwire::assignment_of;
using kwire::errc;
using kwire::subscription_of;
using kwire::test::from_hex;

namespace {

kwire::shared_buffer bytes(std::string_view hex) { return kwire::shared_buffer::adopt(from_hex(hex)); }

// As Kafka's ConsumerProtocol writes them.
constexpr std::string_view subscription =
    "00030000000100066f7264657273ffffffff0000000100066f726465727300000001000000010000000500027231";
constexpr std::string_view assignment = "00030000000100066f7264657273000000020000000000000001ffffffff";
constexpr std::string_view of_kafkajs = "0001 00000001 0009 74657374746f706963 00000000";

/// A message, encoded and parsed.
template <class M>
kwire::message<M> made(const typename M::data& data, int version) {
    return *kwire::parse<M>(kwire::encode<M>(data, version).value().to_bytes(), version);
}
template <class Subscription>
std::string first_topic(const Subscription& found) {
    return found ? std::string(*found->topics().begin()) : "error";
}
template <class Assignment>
std::size_t partitions(const Assignment& found) {
    return found ? (*found->assigned_partitions().begin()).partitions().size() : 99;
}

} // namespace

TEST_CASE("the subscription in each protocol of a JoinGroup request is read in one call") {
    for (int version = 0; version <= 9; ++version) {
        const auto join =
            made<kwire::join_group_request>({.protocol_type = "consumer",
                                             .protocols = {{.name = "range", .metadata = bytes(subscription)},
                                                           {.name = "mine", .metadata = bytes(of_kafkajs)}}},
                                            version);
        auto protocol = join->protocols().begin();
        CHECK(first_topic(subscription_of(*protocol)) == "orders");
        CHECK(first_topic(subscription_of(*join, *protocol)) == "orders");
        CHECK(first_topic(subscription_of(join, *protocol)) == "orders");
        ++protocol;
        CHECK(subscription_of(*protocol).error() == errc::truncated);
        CHECK(first_topic(subscription_of(*protocol, {.missing_newer_fields = true})) == "testtopic");
    }
}

TEST_CASE("a leader reads the members of a JoinGroup response and writes a SyncGroup request") {
    for (int version = 0; version <= 9; ++version) {
        const auto join = made<kwire::join_group_response>(
            {.protocol_type = version >= 7 ? std::optional<std::string>("consumer") : std::nullopt,
             .protocol_name = "range",
             .members = {{.member_id = "m1", .metadata = bytes(subscription)}}},
            version);
        CHECK(first_topic(subscription_of(*join, *join->members().begin())) == "orders");
    }
    for (int version = 0; version <= 5; ++version) {
        const auto sync = made<kwire::sync_group_request>(
            {.assignments = {{.member_id = "m1", .assignment = bytes(assignment)}}}, version);
        CHECK(partitions(assignment_of(*sync, *sync->assignments().begin())) == 2);
        const auto answer = made<kwire::sync_group_response>({.assignment = bytes(assignment)}, version);
        CHECK(partitions(assignment_of(*answer)) == 2);
        CHECK(partitions(assignment_of(*answer, *answer)) == 2);
        CHECK(partitions(assignment_of(answer, *answer)) == 2);
        CHECK(partitions(assignment_of(answer, answer)) == 2);
    }
}

TEST_CASE("a group that is described has both for each member") {
    for (int version = 0; version <= 6; ++version) {
        const auto described = made<kwire::describe_groups_response>(
            {.groups = {{.group_id = "g",
                         .protocol_type = "consumer",
                         .members = {{.member_metadata = bytes(subscription),
                                      .member_assignment = bytes(assignment)}}}}},
            version);
        const auto group = *described->groups().begin();
        const auto member = *group.members().begin();
        CHECK(first_topic(subscription_of(group, member)) == "orders");
        CHECK(partitions(assignment_of(group, member)) == 2);
    }
    const auto value = kwire::parse_versioned<kwire::group_metadata_value>(bytes(kwire::test::group_value));
    REQUIRE(value);
    const auto member = *value->members().begin();
    CHECK(first_topic(subscription_of(**value, member)) == "orders");
    CHECK(partitions(assignment_of(**value, member)) == 2);
}

TEST_CASE("an assignment of no bytes is absent") {
    const auto answer = made<kwire::sync_group_response>({}, 5);
    CHECK(assignment_of(*answer).error() == errc::absent);
    CHECK(assignment_of(answer).error() == errc::absent);
}

TEST_CASE("a group of another protocol is refused if the group is given") {
    // As a worker of Kafka Connect sends it.
    const auto join = made<kwire::join_group_request>(
        {.protocol_type = "connect",
         .protocols = {{.name = "compatible",
                        .metadata = bytes("0001 0003 75726c ffffffffffffffff 00000000")}}},
        5);
    const auto refused = subscription_of(*join, *join->protocols().begin());
    REQUIRE(!refused);
    CHECK(refused.error() == errc::bad_value);
    CHECK(std::string_view(kwire::describe(refused.error())) == "protocol_type: bad_value");
    CHECK(subscription_of(join, join.hold(*join->protocols().begin()).value()).error() == errc::bad_value);
    CHECK(!subscription_of(*join->protocols().begin()));
    const auto sync =
        made<kwire::sync_group_response>({.protocol_type = "connect", .assignment = bytes("00")}, 5);
    CHECK(assignment_of(*sync, *sync).error() == errc::bad_value);
    CHECK(assignment_of(*sync).error() == errc::truncated);
}

TEST_CASE("of a held member the bytes are kept alive") {
    std::optional<kwire::message<kwire::consumer_protocol_subscription>> kept;
    kwire::result<kwire::message<kwire::consumer_protocol_assignment>> assigned;
    {
        const auto join = made<kwire::join_group_request>(
            {.protocol_type = "consumer", .protocols = {{.name = "range", .metadata = bytes(subscription)}}},
            9);
        const auto protocol = join.hold(*join->protocols().begin());
        REQUIRE(protocol);
        auto found = subscription_of(*protocol);
        REQUIRE(found);
        kept = *std::move(found);
        const auto answer = made<kwire::sync_group_response>({.assignment = bytes(assignment)}, 5);
        assigned = assignment_of(answer);
    }
    CHECK(*(*kept)->topics().begin() == "orders");
    CHECK((*kept).bytes().size() == from_hex(subscription).size() - 2);
    CHECK(partitions(assigned) == 2);
}

TEST_CASE(
    "every cut of a subscription and of an assignment is refused or older, and never read past its end") {
    const auto whole = from_hex(subscription);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto join = made<kwire::join_group_request>(
            {.protocols = {{.metadata = kwire::shared_buffer::copy_of(
                                std::span<const std::byte>(whole).first(size))}}},
            5);
        CHECK(!subscription_of(*join->protocols().begin(), kwire::parse_options::as_kafka()));
        const auto any = subscription_of(*join->protocols().begin(), kwire::parse_options::lenient());
        if (any) CHECK(kwire::version_of(*any) < 3);
    }
    const auto all = from_hex(assignment);
    for (std::size_t size = 0; size < all.size(); ++size) {
        const auto answer = made<kwire::sync_group_response>(
            {.assignment = kwire::shared_buffer::copy_of(std::span<const std::byte>(all).first(size))}, 5);
        CHECK(!assignment_of(*answer, kwire::parse_options::lenient()));
    }
}
