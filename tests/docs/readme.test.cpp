// The code of README.md, which tests/docs/test_pages.py finds here line by line.
#include <kwire/connect/dispatch.hpp>
#include <kwire/connect/frame.hpp>
#include <kwire/messages/create_topics.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/read/edit.hpp>
#include <kwire/read/find.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/edit.hpp>

#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"

namespace {

std::vector<kwire::held<kwire::batch_view>> kept;
std::string refused;

void reject(const kwire::error& why) { refused = std::string(std::string_view(kwire::describe(why))); }

void produce(kwire::request_frame frame, std::int64_t next_offset) {
    auto produce = kwire::parse<kwire::produce_request>(std::move(frame));
    if (!produce) return reject(produce.error());
    auto request = kwire::edit(*std::move(produce)); // the last holder of the bytes: nothing is copied
    if (!request) return reject(request.error());

    for (auto topic : request->topic_data())
        for (auto partition : topic.partition_data()) {
            auto done = kwire::stamp(*request, partition.records(), {.base_offset = next_offset});
            if (!done) return reject(done.error());
            next_offset = done->next_offset;
        }

    auto shared = std::move(*request).freeze(); // read only from here on: slices of it go into the log
    for (auto topic : shared->topic_data())
        for (auto partition : topic.partition_data())
            for (auto batch : kwire::record_batches(partition.records()))
                if (auto held = shared.hold(batch)) kept.push_back(*std::move(held));
}

kwire::buffer_chain write(const kwire::shared_buffer& batches, int version, std::int32_t correlation_id) {
    kwire::fetch_response::data response{
        .responses = {{.topic = "orders",
                       .partitions = {{.partition_index = 0, .high_watermark = 42, .records = batches}}}},
    };
    auto out = kwire::encode_response<kwire::fetch_response>(response, version, correlation_id);
    if (!out) reject(out.error());
    return out.value_or(kwire::buffer_chain{});
}

int watched = 0, passed_on = 0;
void watch(const kwire::create_topics_request::creatable_topic::view&) { ++watched; }
void pass_on(const kwire::request_frame&) { ++passed_on; }

void route(const kwire::shared_buffer& frame) {
    auto visitor = kwire::overloaded{
        [&](const kwire::message<kwire::create_topics_request>& asked) {
            if (auto topic = kwire::find(asked->topics(), "orders")) watch(*topic);
        },
        [&](const kwire::request_frame& other) { pass_on(other); },
    };
    if (auto done = kwire::dispatch(frame, visitor); !done) return reject(done.error());
}

/// Two records, as Kafka's own classes wrote them.
const char* const kafkas_batch = "000000000000000000000048ffffffff02dcdf0d9e00000000000100000000000003e800000"
                                 "000000003ebffffffffffffffffffff"
                                 "ffffffff0000000210000000026b0276001a00060201010402680278026e01";

} // namespace

TEST_CASE("the code of the README stamps produced batches, keeps them by reference and sends them on") {
    kept.clear();
    const auto batch = kwire::shared_buffer::copy_of(kwire::test::from_hex(kafkas_batch));
    const auto sent = kwire::encode_request<kwire::produce_request>(
        {.acks = -1,
         .timeout_ms = 1000,
         .topic_data = {{.name = "orders",
                         .partition_data = {{.index = 0, .records = batch},
                                            {.index = 1, .records = batch}}}}},
        9, 7, "readme");
    REQUIRE(sent);
    kwire::shared_buffer bytes = sent->to_bytes();
    const std::byte* const first = bytes.data();
    const std::byte* const last = first + bytes.size();
    auto frame = kwire::parse_request_frame(bytes.slice(4, bytes.size() - 4).value());
    REQUIRE(frame);
    bytes = {};
    const std::uint64_t copied = kwire::copied_bytes();
    produce(*std::move(frame), 42);
    REQUIRE(kept.size() == 2);
    std::int64_t offset = 42;
    for (const kwire::held<kwire::batch_view>& one : kept) {
        CHECK(one->record_count() == 2);
        CHECK(one->base_offset() == offset);
        CHECK(crc_matches(*one));
        CHECK(bytes_of(*one).data() > first);
        CHECK(bytes_of(*one).data() < last);
        offset += 2;
    }
    const kwire::buffer_chain answer = write(kept[1].slice(bytes_of(*kept[1])).value(), 12, 7);
    CHECK(kwire::copied_bytes() == copied);
    CHECK(answer.segment_count() == 3);
}

TEST_CASE("the code of the README says what is wrong with a request, and where") {
    const auto sent = kwire::encode<kwire::produce_request>(
        {.topic_data = {{.name = "orders",
                         .partition_data = {{.index = 0, .records = kwire::shared_buffer{}}}}}},
        9);
    REQUIRE(sent);
    const kwire::shared_buffer whole = sent->to_bytes();
    const auto cut = kwire::parse<kwire::produce_request>(*whole.slice(0, 19), 9);
    REQUIRE_FALSE(cut);
    const kwire::error_text text = kwire::describe(cut.error());
    CHECK(text.view() == "ProduceRequest v9 topic_data[0].partition_data: count_exceeds_input at byte 16, "
                         "needs 6 bytes, 3 left");
}

TEST_CASE("the code of the README looks into the messages that it names and passes the others on") {
    const auto frame_of = [](const kwire::buffer_chain& sent) {
        const kwire::shared_buffer bytes = sent.to_bytes();
        return *bytes.slice(4, bytes.size() - 4); // behind the length
    };
    const auto asked = kwire::encode_request<kwire::create_topics_request>(
        {.topics = {{.name = "bills"}, {.name = "orders"}}}, 5, 1, "readme");
    const auto other = kwire::encode_request<kwire::produce_request>({.acks = -1}, 9, 2, "readme");
    REQUIRE(asked);
    REQUIRE(other);
    watched = passed_on = 0;
    route(frame_of(*asked));
    route(frame_of(*other));
    CHECK(watched == 1);
    CHECK(passed_on == 1);
}
