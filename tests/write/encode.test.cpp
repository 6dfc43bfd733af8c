#include <kwire/messages/api_versions.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/find_coordinator.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/messages/request_header.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/read/unknown_tags.hpp>
#include <kwire/write/encode.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/count_allocations.hpp"

using kwire::errc;
using kwire::shared_buffer;

namespace {

template <class M>
std::string hex(const typename M::data& data, int version) {
    const auto chain = kwire::encode<M>(data, version);
    REQUIRE(chain);
    const auto size = kwire::encoded_size<M>(data, version);
    REQUIRE(size);
    const shared_buffer bytes = chain->to_bytes();
    CHECK(*size == bytes.size());

    std::vector<std::byte> memory(bytes.size()); // not one byte more
    CHECK(kwire::encode_into<M>(memory, data, version) == bytes.size());
    CHECK(std::ranges::equal(memory, bytes));
    auto buffer = kwire::unique_buffer::with_capacity(1);
    buffer.append(kwire::bytes_of_text("front"));
    CHECK(kwire::encode_into<M>(buffer, data, version) == bytes.size());
    CHECK(kwire::text_of(buffer.span().first(5)) == "front");
    CHECK(std::ranges::equal(buffer.span().subspan(5), bytes));
    kwire::buffer_chain after_text;
    after_text.put_slice("front");
    CHECK(kwire::encode_into<M>(after_text, data, version) == bytes.size());
    const shared_buffer after_front = after_text.to_bytes();
    CHECK(std::ranges::equal(after_front.span().subspan(5), bytes));
    return kwire::test::to_hex(bytes.span());
}

/// The refusal of encode and of encoded_size, which must be one: "code path".
template <class M>
std::string refusal(const typename M::data& data, int version) {
    const auto chain = kwire::encode<M>(data, version);
    const auto size = kwire::encoded_size<M>(data, version);
    REQUIRE(!chain);
    REQUIRE(!size);
    CHECK(chain.error().code == size.error().code);
    std::vector<std::byte> memory(100, std::byte{0x55});
    CHECK(kwire::encode_into<M>(memory, data, version).error().code == size.error().code);
    CHECK(std::ranges::count(memory, std::byte{0x55}) == 100);
    CHECK(chain.error().message == M::facts.name);
    CHECK(chain.error().version == version);
    CHECK_FALSE(chain.error().located); // it tells of no bytes
    const auto path = kwire::path_of(chain.error());
    return std::string(kwire::name_of(chain.error().code)) + " " + std::string(path.view());
}

} // namespace

TEST_CASE("a message is written with designated initialisers") {
    CHECK(hex<kwire::metadata_request>({.topics = {{.name = "orders"}}}, 1) == "000000010006"
                                                                               "6f7264657273");
    CHECK(hex<kwire::metadata_request>({.topics = std::nullopt}, 1) == "ffffffff");
    CHECK(hex<kwire::metadata_request>({.topics = std::nullopt}, 12) == "00010000");
}

TEST_CASE("payloads go out where they are, in one allocation for the rest") {
    const shared_buffer payload = shared_buffer::copy_of(std::string(100'000, 'x'));
    kwire::produce_request::data request;
    request.topic_data = {
        {.name = "t",
         .partition_data = {{.index = 1, .records = payload}, {.index = 2, .records = payload}}}};
    const auto chain = kwire::encode<kwire::produce_request>(request, 9);
    REQUIRE(chain);
    std::size_t referred = 0;
    for (const auto& segment : *chain) referred += segment.data() == payload.data() ? 1 : 0;
    CHECK(referred == 2);
    if (support::counts_allocations)
        CHECK(support::allocations_of(
                  [&] { static_cast<void>(kwire::encode<kwire::produce_request>(request, 9)); }) == 1);
}

TEST_CASE("a body of 2 GiB is refused, since no reader accepts it") {
    auto mebibytes = kwire::unique_buffer::with_capacity(64 << 20);
    mebibytes.commit(64 << 20); // never looked at
    const shared_buffer payload = std::move(mebibytes).freeze();
    kwire::buffer_chain half;
    for (int i = 0; i < 16; ++i) half.put_bytes(payload);
    kwire::produce_request::data request;
    request.topic_data = {{.name = "t", .partition_data = {{.records = half}, {.records = half}}}};
    const auto refused = kwire::encode(request, 9);
    REQUIRE(!refused);
    CHECK(refused.error() == kwire::errc::too_large);
    CHECK(refused.error().message == "ProduceRequest");
    CHECK(refused.error().depth == 0);
    CHECK(kwire::encoded_size(request, 9).error() == kwire::errc::too_large);
    request.topic_data[0].partition_data.pop_back();
    CHECK(kwire::encode(request, 9));
}

TEST_CASE("a value that the version cannot carry is refused with its field") {
    kwire::metadata_request::data request;
    request.topics = nullptr;
    CHECK(refusal<kwire::metadata_request>(request, 0) == "null_not_allowed topics");
    request.topics = {{.name = "a"}, {.name = std::nullopt}};
    CHECK(refusal<kwire::metadata_request>(request, 9) == "null_not_allowed topics[1].name");
    request.topics = {{.name = "a"}};
    request.include_cluster_authorized_operations = true;
    CHECK(refusal<kwire::metadata_request>(request, 11) ==
          "field_not_in_version include_cluster_authorized_operations");
    CHECK(refusal<kwire::metadata_request>({}, 14) == "unsupported_version ");
    CHECK(refusal<kwire::metadata_request>({}, -1) == "unsupported_version ");
}

TEST_CASE("what the schema lets drop is dropped") {
    kwire::fetch_response::data response;
    response.throttle_time_ms = 7; // ignorable, from version 1 on
    response.responses = {{.topic = "t", .partitions = {{.partition_index = 1}}}};
    response.responses[0].partitions[0].log_start_offset = 5; // ignorable, from version 5 on
    CHECK(kwire::encode<kwire::fetch_response>(response, 4));
    response.responses[0].partitions[0].current_leader = {.leader_id = 1, .leader_epoch = 2};
    CHECK(refusal<kwire::fetch_response>(response, 4) ==
          "field_not_in_version responses[0].partitions[0].current_leader");
    kwire::metadata_request::data request;
    request.topics = {{.topic_id = kwire::uuid{{std::byte{1}}}, .name = "a"}};
    CHECK(kwire::encode<kwire::metadata_request>(request, 9)); // topic ids are ignorable
}

TEST_CASE("a struct that has a name need not be told which message it is") {
    kwire::metadata_request::data request{.topics = {{.name = "a"}}};
    const auto body = kwire::encode(request, 12);
    REQUIRE(body);
    CHECK(*body == *kwire::encode<kwire::metadata_request>(request, 12));
    CHECK(kwire::encoded_size(request, 12) == body->size());
    request.topics = nullptr;
    CHECK(kwire::encode(request, 0).error() == kwire::errc::null_not_allowed);
    CHECK(kwire::encoded_size(request, 0).error() == kwire::errc::null_not_allowed);
}

TEST_CASE("error codes and API keys are written as the numbers that they are, assigned or not") {
    CHECK(hex<kwire::api_versions_response>(
              {.error_code = kwire::error_code::unsupported_version,
               .api_keys = {{kwire::api_key::fetch, 4, 17}, {static_cast<kwire::api_key>(0x7fff), 0, 1}}},
              0) == "0023"
                    "00000002"
                    "0001"
                    "0004"
                    "0011"
                    "7fff"
                    "0000"
                    "0001");
    CHECK(hex<kwire::api_versions_response>({.error_code = kwire::error_code{-2}}, 0) == "fffe00000000");
}

TEST_CASE("strings end at 32767 bytes in every encoding") {
    for (const int version : {3, 5}) {
        kwire::find_coordinator_request::data request;
        std::string path = "key";
        if (version < 4) {
            request.key = std::string(32767, 'k');
        } else {
            request.coordinator_keys = {"a", std::string(32767, 'k')};
            path = "coordinator_keys[1]";
        }
        CHECK(kwire::encode<kwire::find_coordinator_request>(request, version));
        (version < 4 ? request.key : request.coordinator_keys[1]) += 'k';
        CHECK(refusal<kwire::find_coordinator_request>(request, version) == "string_too_long " + path);
    }
}

TEST_CASE("unknown tags are written in order, and only where there are tags") {
    kwire::metadata_request::data request;
    request.unknown_tags = {{7, shared_buffer::from_static("a")}, {300, {}}};
    CHECK(hex<kwire::metadata_request>(request, 12) == "01010002070161ac0200");
    CHECK(refusal<kwire::metadata_request>(request, 8) == "field_not_in_version unknown_tags");
    request.unknown_tags = {{300, {}}, {7, {}}};
    CHECK(refusal<kwire::metadata_request>(request, 12) == "tag_order unknown_tags[1]");
    request.unknown_tags = {};
    request.topics = {{.name = "a"}, {.name = "b"}};
    request.topics.at(1).unknown_tags = {{2, {}}, {1, {}}};
    CHECK(refusal<kwire::metadata_request>(request, 12) == "tag_order topics[1].unknown_tags[1]");
    request.topics.at(1).unknown_tags = {{2, {}}, {2, {}}};
    const auto twice = kwire::encode<kwire::metadata_request>(request, 12);
    REQUIRE(!twice);
}

TEST_CASE("a known number among the unknown tags is refused") {
    kwire::fetch_request::data request;
    request.unknown_tags = {{0, shared_buffer::from_static("a")}}; // that is ClusterId
    CHECK(refusal<kwire::fetch_request>(request, 12) == "duplicate_tag unknown_tags[0]");
    request.unknown_tags = {{5, {}}};
    request.cluster_id = "c";
    request.replica_state = {.replica_id = 1, .replica_epoch = 2};
    const auto chain = kwire::encode<kwire::fetch_request>(request, 15);
    REQUIRE(chain);
    const auto view = kwire::parse<kwire::fetch_request>(chain->to_bytes(), 15);
    REQUIRE(view);
    CHECK(view->cluster_id() == "c");
    CHECK(view->replica_state().replica_epoch() == 2);
    CHECK((*kwire::unknown_tags(**view).begin()).number == 5);
}

TEST_CASE("tagged fields at their default are not written, and others are") {
    kwire::fetch_request::data request;
    const std::string none = hex<kwire::fetch_request>(request, 15);
    CHECK(none.ends_with("00"));
    request.cluster_id = "";
    CHECK(hex<kwire::fetch_request>(request, 15) == none.substr(0, none.size() - 2) + "01000101");
}

TEST_CASE("memory that is too short is refused with the bytes that are needed, and is not written to") {
    const kwire::metadata_request::data request{.topics = {{.name = "orders"}}};
    const std::size_t size = *kwire::encoded_size(request, 12);
    for (std::size_t room = 0; room < size; ++room) {
        std::vector<std::byte> memory(room, std::byte{0x55});
        const auto written = kwire::encode_into(memory, request, 12);
        REQUIRE_FALSE(written);
        CHECK(written.error().code == errc::too_large);
        CHECK(written.error().needed == size);
        CHECK(written.error().left == room);
        CHECK(std::string_view(describe(written.error())) == "MetadataRequest v12: too_large, needs " +
                                                                 std::to_string(size) + " bytes, " +
                                                                 std::to_string(room) + " left");
        CHECK(std::ranges::count(memory, std::byte{0x55}) == static_cast<std::ptrdiff_t>(room));
    }
}

TEST_CASE("memory that is used again needs no allocation, and copies of payloads are counted") {
    const shared_buffer records = shared_buffer::copy_of(std::string(1000, 'r'));
    kwire::produce_request::data request;
    request.topic_data = {{.name = "t", .partition_data = {{.index = 1, .records = records}}}};
    const std::size_t size = *kwire::encoded_size(request, 9);
    std::vector<std::byte> memory(size);
    auto buffer = kwire::unique_buffer::with_capacity(size);
    kwire::buffer_chain chain;
    chain.reserve(100, 5);
    const std::uint64_t before = kwire::copied_bytes();
    const std::size_t allocations = support::allocations_of([&] {
        for (int i = 0; i < 3; ++i) {
            buffer.clear();
            static_cast<void>(kwire::encode_into(memory, request, 9));
            static_cast<void>(kwire::encode_into(buffer, request, 9));
        }
        static_cast<void>(kwire::encode_into(chain, request, 9));
    });
    if (support::counts_allocations) CHECK(allocations == 0);
    CHECK(kwire::copied_bytes() - before == 6 * records.size());
    CHECK(std::ranges::equal(memory, chain.to_bytes()));
    CHECK(std::ranges::equal(buffer.span(), chain.to_bytes()));
}

TEST_CASE("a version that is known at compile time is written with the same bytes") {
    kwire::fetch_request::data request;
    request.topics = {{.topic = "orders", .partitions = {{.partition = 3, .fetch_offset = 17}}}};
    request.cluster_id = "c";
    std::vector<std::byte> memory(100);
    const auto size = kwire::encode_into<kwire::fetch_request, 12>(memory, request);
    REQUIRE(size);
    const auto chain = kwire::encode<kwire::fetch_request, 12>(request);
    REQUIRE(chain);
    const std::string expected = hex<kwire::fetch_request>(request, 12);
    CHECK(kwire::test::to_hex(std::span(memory).first(*size)) == expected);
    const shared_buffer whole = chain->to_bytes();
    CHECK(kwire::test::to_hex(whole.span()) == expected);
    CHECK(kwire::encoded_size<kwire::fetch_request, 12>(request) == *size);
    CHECK(kwire::encode<kwire::metadata_request, 3>({.allow_auto_topic_creation = false}).error().code ==
          errc::field_not_in_version);
}
