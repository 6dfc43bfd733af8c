#include <kwire/connect/dispatch.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/list_groups.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/read/edit.hpp>
#include <kwire/records/check.hpp>
#include <kwire/records/edit.hpp>
#include <kwire/write/encode.hpp>
#include <kwire/write/set.hpp>

#include <string>
#include <vector>

#include "catch.hpp"

using kwire::edit;
using kwire::errc;
using kwire::set;

namespace {

using response = kwire::metadata_response;
using fetch = kwire::fetch_request;

template <class M>
kwire::shared_buffer body_of(const typename M::data& data, int version) {
    return kwire::encode<M>(data, version).value().to_bytes();
}

template <class Result>
bool fails(const Result& result, errc code, std::string_view text) {
    if (result) return false;
    CHECK(std::string(kwire::describe(result.error())) == text);
    return result.error() == code;
}

response::data cluster() {
    return {.brokers = {{.node_id = 1, .host = "a", .port = 9092}},
            .topics = {{.name = "t",
                        .partitions = {{.partition_index = 0, .leader_id = 1, .replica_nodes = {1, 2, 3}},
                                       {.partition_index = 1, .leader_id = 2, .replica_nodes = {2, 3}}}}}};
}

} // namespace

TEST_CASE("bytes that somebody else holds are left alone, or copied if that is asked for") {
    auto message = kwire::parse<response>(body_of<response>(cluster(), 12), 12).value();
    const auto other = message;
    const auto* const before = message.buffer().data();
    const auto refused = edit(std::move(message));
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == errc::buffer_shared);
    CHECK(message.buffer().data() == before); // as it was
    CHECK(message->brokers().size() == 1);

    const auto copies = kwire::copied_bytes();
    auto copy = edit(std::move(message), kwire::if_shared::copy);
    REQUIRE(copy);
    CHECK(kwire::copied_bytes() - copies == other.buffer().size());
    REQUIRE(set<"throttle_time_ms">(*copy, 5));
    CHECK(copy->throttle_time_ms() == 5);
    CHECK(other->throttle_time_ms() == 0);
    CHECK(other.buffer().is_unique());
}

TEST_CASE("a message in a part of a buffer is changed there, and copied without the rest") {
    const auto body = body_of<response>(cluster(), 12);
    for (const auto policy : {kwire::if_shared::refuse, kwire::if_shared::copy}) {
        kwire::unique_buffer bytes = kwire::unique_buffer::with_capacity(body.size() + 16);
        bytes.append(std::vector<std::byte>(8));
        bytes.append(body);
        kwire::shared_buffer whole = std::move(bytes).freeze();
        const std::byte* const where = whole.data() + 8;
        auto parsed = kwire::parse<response>(whole.slice(8, body.size()).value(), 12).value();
        if (policy == kwire::if_shared::refuse) whole = {};
        auto message = edit(std::move(parsed), policy);
        REQUIRE(message);
        REQUIRE(set<"throttle_time_ms">(*message, 77));
        const auto changed = std::move(*message).freeze();
        CHECK(changed->throttle_time_ms() == 77);
        CHECK(kwire::bytes_of(*changed).data() == changed.buffer().data());
        CHECK((changed.buffer().data() == where) == (policy == kwire::if_shared::refuse));
    }
}

TEST_CASE("bytes that were lent to be read are not writable") {
    const auto body = body_of<response>(cluster(), 12);
    auto lent = kwire::parse<response>(kwire::shared_buffer::from_static(body.span()), 12).value();
    CHECK(fails(edit(std::move(lent)), errc::buffer_read_only, "buffer_read_only"));
    CHECK(lent->brokers().size() == 1); // as it was
    CHECK(edit(std::move(lent), kwire::if_shared::copy).has_value());
}

TEST_CASE("a message in a vector that a buffer has taken over is changed there") {
    const auto body = body_of<response>(cluster(), 12);
    std::vector<std::byte> received(body.begin(), body.end());
    const std::byte* const where = received.data();
    auto message = edit(kwire::parse<response>(kwire::shared_buffer::adopt(std::move(received)), 12).value());
    REQUIRE(message);
    REQUIRE(set<"throttle_time_ms">(*message, 500));
    const auto changed = std::move(*message).freeze();
    CHECK(changed->throttle_time_ms() == 500);
    CHECK(changed.buffer().data() == where);
}

namespace {

kwire::shared_buffer frame_of(const kwire::buffer_chain& sent) {
    const kwire::shared_buffer bytes = sent.to_bytes();
    return kwire::shared_buffer::copy_of(bytes.span().subspan(4)); // after the length
}

} // namespace

TEST_CASE("a proxy changes a field in a frame that it does not copy, and sends the frame on") {
    response::data expected = cluster();
    for (const std::int16_t version : {std::int16_t{5}, std::int16_t{12}}) { // headers 0 and 1
        expected.throttle_time_ms = 100;
        const auto sent = kwire::encode_response<response>(expected, version, 7).value();
        auto bytes = frame_of(sent);
        const auto* const where = bytes.data();
        auto frame = kwire::parse_response_frame(std::move(bytes), kwire::api_key::metadata, version);
        REQUIRE(frame);
        CHECK(kwire::with_length(frame->frame()).value().to_bytes() == sent.to_bytes());
        const auto from_here = kwire::copied_bytes();
        auto message = edit(kwire::parse<response>(*std::move(frame)).value());
        REQUIRE(message);
        REQUIRE(set<"throttle_time_ms">(*message, 0));
        const auto changed = std::move(*message).freeze();
        CHECK(changed->throttle_time_ms() == 0);
        CHECK(changed.buffer().data() == where);
        const auto out = kwire::with_length(changed.frame()).value();
        CHECK(kwire::copied_bytes() == from_here);
        expected.throttle_time_ms = 0;
        CHECK(out.to_bytes() == kwire::encode_response<response>(expected, version, 7).value().to_bytes());
    }
}

TEST_CASE("messages are made writable with their frames where dispatch hands them out") {
    const auto sent =
        kwire::encode_request<fetch>({.replica_id = 3, .max_bytes = 1 << 20}, 12, 9, "me").value();
    kwire::buffer_chain out;
    const auto visitor = kwire::overloaded{
        [&](kwire::message<fetch>&& asked) {
            auto message = edit(std::move(asked));
            REQUIRE(message);
            REQUIRE(set<"max_bytes">(*message, 1000));
            out = kwire::with_length(std::move(*message).freeze().frame()).value();
        },
        [&](const kwire::request_frame&) { FAIL(); },
    };
    REQUIRE(kwire::dispatch(frame_of(sent), visitor));
    const auto expected =
        kwire::encode_request<fetch>({.replica_id = 3, .max_bytes = 1000}, 12, 9, "me").value();
    CHECK(out.to_bytes() == expected.to_bytes());
}

TEST_CASE("a message of a frame that is shared is unchanged when it is refused, or copied with the frame") {
    const auto sent = kwire::encode_request<fetch>({.max_bytes = 7}, 12, 9, "me").value();
    const auto bytes = frame_of(sent);
    const auto frame = kwire::parse_request_frame(bytes);
    REQUIRE(frame);
    auto message = kwire::parse<fetch>(*frame);
    REQUIRE(message);
    CHECK(fails(edit(*std::move(message)), errc::buffer_shared, "buffer_shared"));
    CHECK((*message).frame().data() == bytes.data());
    CHECK((*message).body() == frame->body());
    CHECK((*message).client_id() == "me");
    CHECK(message->max_bytes() == 7);

    auto copy = edit(*std::move(message), kwire::if_shared::copy);
    REQUIRE(copy);
    CHECK((*copy).header().client_id() == "me");
    CHECK((*copy).correlation_id() == 9);
    REQUIRE(set<"max_bytes">(*copy, 8));
    const auto changed = std::move(*copy).freeze();
    CHECK(changed.client_id() == "me");
    const auto again = kwire::parse_request_frame(changed.frame());
    REQUIRE(again);
    CHECK(again->client_id() == "me");
    const auto changed_again = kwire::parse<fetch>(*again);
    REQUIRE(changed_again);
    CHECK(changed_again->max_bytes() == 8);
    const auto original = kwire::parse<fetch>(*frame);
    REQUIRE(original);
    CHECK(original->max_bytes() == 7);
}

TEST_CASE("a frame whose bytes were taken out has nothing to write to, even if its message may be empty") {
    const auto sent = kwire::encode_request<kwire::list_groups_request>({}, 0, 9, "me").value();
    auto whole = kwire::parse_request_frame(frame_of(sent));
    auto taken = whole;
    REQUIRE(whole);
    CHECK(std::move(*taken).frame() == frame_of(sent));
    CHECK(taken->body().empty());
    auto nothing = edit(kwire::parse<kwire::list_groups_request>(*std::move(taken)).value());
    REQUIRE(nothing);
    CHECK((*nothing).bytes().empty());
    CHECK_FALSE((*nothing).in_frame());
    auto all = edit(kwire::parse<kwire::list_groups_request>(*std::move(whole)).value());
    REQUIRE(all);
    CHECK((*all).bytes().size() == sent.size() - 4);
    CHECK((*all).in_frame());
}

TEST_CASE("any part that the message shows may be written to, and nothing else") {
    auto message = edit(kwire::parse<response>(body_of<response>(cluster(), 12), 12).value()).value();
    const std::string_view host = (*message->brokers().begin()).host();
    const auto bytes = kwire::bytes_of_text(host);
    const auto place = message.writable(bytes);
    REQUIRE(place);
    CHECK(place->data() == bytes.data());
    (*place)[0] = std::byte{'z'};
    CHECK((*message->brokers().begin()).host() == "z");
    CHECK(message.writable({}).value().empty());
    CHECK(message.writable(kwire::bytes_of_text("elsewhere")).error() == errc::field_absent);
    const auto all = message.bytes();
    CHECK(message.writable(all).value().size() == all.size());
    CHECK(message.writable({all.data() + 1, all.size()}).error() == errc::field_absent); // one byte too far
}

TEST_CASE("an editable message that was moved from or frozen is empty") {
    auto first = edit(kwire::parse<response>(body_of<response>(cluster(), 12), 12).value()).value();
    auto second = std::move(first);
    CHECK(first.bytes().empty()); // NOLINT(bugprone-use-after-move)
    CHECK_FALSE(first.in_frame());
    REQUIRE(set<"throttle_time_ms">(second, 5));
    first = std::move(second);
    CHECK(first->throttle_time_ms() == 5);
    const auto frozen = std::move(first).freeze();
    const auto nothing = std::move(first).freeze(); // NOLINT(bugprone-use-after-move)
    CHECK(nothing.bytes().empty());
    CHECK(frozen->throttle_time_ms() == 5);
}

TEST_CASE("a batch that shows nothing is not stamped or patched") {
    auto message =
        edit(kwire::parse<kwire::produce_request>(body_of<kwire::produce_request>({.acks = 1}, 9), 9).value())
            .value();
    const auto summary = kwire::check_batches(std::span<const std::byte>{});
    REQUIRE(summary);
    CHECK(kwire::stamp(message, summary->first, {.base_offset = 1}).error() == errc::field_absent);
    CHECK(kwire::apply(message, summary->first, {.producer_id = 1}).error() == errc::field_absent);
}
