#include <kwire/connect/dispatch.hpp>
#include <kwire/connect/frame.hpp>
#include <kwire/error_text.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/leave_group.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/read/edit.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/write/to_data.hpp>

#include <cstdint>
#include <string>

#include "catch.hpp"
#include "support/bytes.hpp"

using kwire::errc;
using kwire::shared_buffer;
using kwire::test::from_hex;

namespace {

/// How many bytes `f` copies.
template <class F>
std::uint64_t copied_by(F&& f) {
    const std::uint64_t before = kwire::copied_bytes();
    f();
    return kwire::copied_bytes() - before;
}

/// A Fetch response of two topics with two partitions each, with 1000 bytes of records in every partition.
kwire::fetch_response::data fetched() {
    kwire::fetch_response::data data;
    for (int t = 0; t < 2; ++t) {
        auto& topic = data.responses.emplace_back();
        for (std::int32_t p = 0; p < 2; ++p)
            topic.partitions.push_back(
                {.partition_index = p, .records = shared_buffer::copy_of(std::string(1000, 'r'))});
    }
    data.unknown_tags.push_back({9, shared_buffer::copy_of(std::string(100, 't'))});
    return data;
}

shared_buffer response_frame(int version) {
    auto out = kwire::encode_response(fetched(), version, 7).value();
    const shared_buffer bytes = out.to_bytes();
    return *bytes.slice(4, bytes.size() - 4);
}

kwire::message<kwire::fetch_response> response(int version) {
    return kwire::parse<kwire::fetch_response>(kwire::parse_response_frame(response_frame(version),
                                                                           kwire::api_key::fetch,
                                                                           static_cast<std::int16_t>(version))
                                                   .value())
        .value();
}

template <class T>
concept has_data = requires(T&& from) { kwire::to_data(static_cast<T&&>(from)); };

} // namespace

TEST_CASE("data of whatever keeps its bytes alive refers to them, and nothing of them is copied") {
    const kwire::fetch_response::data expected = fetched();
    const auto same = [&](const kwire::fetch_response::data& data) {
        return kwire::encode(data, 13).value() == kwire::encode(expected, 13).value();
    };
    kwire::fetch_response::data data;
    const auto body = kwire::encode(expected, 13).value().to_bytes();

    const auto parsed = kwire::parse<kwire::fetch_response>(body, 13);
    CHECK(copied_by([&] { data = kwire::to_data(*parsed); }) == 0);
    CHECK(same(data));
    CHECK(copied_by([&] { data = kwire::to_data(parsed); }) == 0);
    CHECK(same(data));
    const auto fixed = kwire::parse<kwire::fetch_response, 13>(body);
    CHECK(copied_by([&] { data = kwire::to_data(fixed); }) == 0);
    CHECK(same(data));
    CHECK(copied_by([&] { data = kwire::to_data(*parsed, {.memory_limit = 4096}).value(); }) == 0);
    CHECK(same(data));
    CHECK(copied_by([&] { data = kwire::to_data(parsed, {}).value(); }) == 0);
    CHECK(same(data));

    const kwire::request_start asked{.api = kwire::api_key::fetch, .api_version = 13, .correlation_id = 7};
    auto visitor = kwire::overloaded{
        [&](const kwire::message<kwire::fetch_response>& answer) { data = kwire::to_data(answer); },
        [](const kwire::response_frame&) { FAIL("a Fetch response was expected"); },
    };
    const shared_buffer frame = response_frame(13);
    CHECK(copied_by([&] { CHECK(kwire::dispatch(frame, asked, visitor)); }) == 0);
    CHECK(same(data));
}

TEST_CASE("data of a held part refers to the bytes of the message") {
    const auto message = response(13);
    for (const auto topic : message->responses()) {
        const auto held = message.hold(topic);
        REQUIRE(held);
        kwire::fetch_response::fetchable_topic_response::data data;
        CHECK(copied_by([&] { data = kwire::to_data(*held); }) == 0);
        REQUIRE(data.partitions.size() == 2);
        for (const auto& partition : data.partitions) {
            const shared_buffer records = partition.records.to_bytes();
            CHECK(message.slice(records.span()));
        }
        CHECK(copied_by([&] { data = kwire::to_data(*held, {}).value(); }) == 0);
        CHECK(data.partitions.at(1).records.size() == 1000);
    }
}

TEST_CASE("data of a message that was written to refers to its bytes, which are read-only from then on") {
    auto message = kwire::edit(response(13)).value();
    kwire::fetch_response::data data;
    CHECK(copied_by([&] { data = kwire::to_data(std::move(message)); }) == 0);
    CHECK(data.responses.at(1).partitions.at(1).records.size() == 1000);
    CHECK(message.bytes().empty());

    auto other = kwire::edit(response(13));
    CHECK(copied_by([&] { data = kwire::to_data(std::move(*other), {}).value(); }) == 0);
    CHECK(data.responses.at(1).partitions.at(1).records.size() == 1000);
}

TEST_CASE("a message that is moved into its data leaves them its reference, and has no bytes") {
    shared_buffer bytes = kwire::encode(fetched(), 13).value().to_bytes();
    {
        auto message = kwire::parse<kwire::fetch_response>(bytes, 13).value();
        kwire::fetch_response::data data;
        CHECK(copied_by([&] { data = kwire::to_data(std::move(message)); }) == 0);
        CHECK(message.bytes().empty());
        CHECK(data.responses.at(1).partitions.at(1).records.size() == 1000);
        CHECK_FALSE(bytes.is_unique());

        // Each of the five parts of it by itself keeps the bytes.
        for (auto& topic : data.responses)
            for (auto& partition : topic.partitions) {
                CHECK_FALSE(bytes.is_unique());
                partition.records = nullptr;
            }
        CHECK_FALSE(bytes.is_unique());
        data.unknown_tags.clear();
        CHECK(bytes.is_unique());
    }
    CHECK(bytes.is_unique());

    // Without payloads nothing of it is kept.
    shared_buffer plain =
        kwire::encode<kwire::metadata_request>({.topics = {{.name = "orders"}}}, 12).value().to_bytes();
    const auto data = kwire::to_data(*kwire::parse<kwire::metadata_request>(plain, 12));
    CHECK(data.topics.size() == 1);
    CHECK(plain.is_unique());
}

TEST_CASE("data made of a view alone has copies, and says so by its name") {
    const auto body = kwire::encode(fetched(), 13).value().to_bytes();
    const auto view = kwire::parse_view<kwire::fetch_response>(body, 13);
    REQUIRE(view);
    kwire::fetch_response::data data;
    CHECK(copied_by([&] { data = kwire::copy_to_data(*view); }) == 4 * 1000 + 100);
    CHECK(kwire::encode(data, 13).value() == kwire::buffer_chain(body));
    CHECK(copied_by([&] { data = kwire::copy_to_data(*view, {.memory_limit = 8192}).value(); }) == 4100);
    CHECK(kwire::copy_to_data(*view, {.memory_limit = 4000}).error() == errc::memory_limit_exceeded);
    CHECK(kwire::to_data(*kwire::parse<kwire::fetch_response>(body, 13), {.memory_limit = 4000}));
}

TEST_CASE("a temporary result has no data, since the program cannot know whether it has a value") {
    using parsed = kwire::result<kwire::message<kwire::fetch_response>>;
    STATIC_REQUIRE(has_data<parsed&>);
    STATIC_REQUIRE(has_data<const parsed&>);
    STATIC_REQUIRE_FALSE(has_data<parsed>);
    STATIC_REQUIRE(has_data<kwire::message<kwire::fetch_response>>);
}

TEST_CASE("what would take more memory than the limit is refused with path, offset and sizes") {
    // LeaveGroup v4: group "g", five members of four bytes each, no tags
    const auto request = kwire::parse<kwire::leave_group_request>(
        shared_buffer::copy_of(from_hex("02 67 06 01 00 00 01 00 00 01 00 00 01 00 00 01 00 00 00")), 4);
    REQUIRE(request);
    constexpr std::uint64_t members = 5 * sizeof(kwire::leave_group_request::member_identity::data);
    CHECK(kwire::to_data(*request, {.memory_limit = members}));
    const auto refused = kwire::to_data(*request, {.memory_limit = members - 1});
    REQUIRE(!refused);
    CHECK(kwire::to_string(refused.error()) ==
          "LeaveGroupRequest v4 members: memory_limit_exceeded at byte 3, needs " + std::to_string(members) +
              " bytes, " + std::to_string(members - 1) + " left");
    CHECK(kwire::to_data(*request, {.memory_limit = 0}).error() == errc::memory_limit_exceeded);

    const auto nested = kwire::parse<kwire::metadata_request>(
        shared_buffer::copy_of(from_hex("03 02 61 00 33"
                                        "61616161616161616161 61616161616161616161 61616161616161616161"
                                        "61616161616161616161 61616161616161616161"
                                        "00 01 00 00 00")),
        9);
    REQUIRE(nested);
    const auto second = kwire::to_data(*nested, {.memory_limit = 200});
    REQUIRE(!second);
    CHECK(std::string_view(kwire::path_of(second.error())) == "topics[1].name");
    CHECK(second.error().offset == 5);
    CHECK(second.error().needed == 64);
}

TEST_CASE("without a number the limit is 16 times the message, and at least 1 MiB") {
    const auto members = [](std::size_t n) {
        kwire::leave_group_request::data data{.group_id = "g"};
        data.members.resize(n);
        return kwire::parse<kwire::leave_group_request>(kwire::encode(data, 4).value().to_bytes(), 4);
    };
    CHECK(kwire::to_data(members(8'000).value(), {}));
    CHECK(kwire::to_data(members(100'000).value(), {}).error() == errc::memory_limit_exceeded);
    const auto topics = [](std::size_t n) {
        kwire::metadata_request::data data;
        for (std::size_t i = 0; i < n; ++i)
            data.topics.push_back({.name = "a topic of usual length " + std::to_string(i)});
        return kwire::parse<kwire::metadata_request>(kwire::encode(data, 9).value().to_bytes(), 9);
    };
    CHECK(kwire::to_data(topics(100'000).value(), {}).value().topics.size() == 100'000);
}

TEST_CASE("unknown tags come along into data") {
    const auto request = kwire::parse<kwire::metadata_request>(
        shared_buffer::copy_of(from_hex("01 01 00 00 02 03 01 aa 09 00")), 9);
    REQUIRE(request);
    const auto data = kwire::to_data(*request);
    REQUIRE(data.unknown_tags.size() == 2);
    CHECK(data.unknown_tags[0].number == 3);
    CHECK(kwire::test::to_hex(data.unknown_tags[0].payload.span()) == "aa");
    CHECK(data.unknown_tags[1].number == 9);
    CHECK(data.unknown_tags[1].payload.empty());
    CHECK_FALSE(data.topics.is_null());
    CHECK(data.topics.empty());
}
