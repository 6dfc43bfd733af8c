// The code of README.md, which tests/test_readme.py finds here line by line.
#include <kwire/connect/dispatch.hpp>
#include <kwire/connect/frame.hpp>
#include <kwire/messages/create_topics.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/read/find.hpp>
#include <kwire/records/batch.hpp>

#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"

namespace {

std::vector<kwire::shared_buffer> kept;
std::string refused;

void reject(const kwire::error& why) { refused = std::string(std::string_view(kwire::describe(why))); }

void read(const kwire::request_frame& frame) {
    auto request = kwire::parse<kwire::produce_request>(frame.body(), frame.api_version());
    if (!request) return reject(request.error());

    for (auto topic : (*request)->topic_data())
        for (auto partition : topic.partition_data())
            for (auto batch : kwire::record_batches(partition.records()))
                // A reference on the socket's bytes, not a copy.
                kept.push_back(request->hold(bytes_of(batch)));
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

void stamp(kwire::unique_buffer& batch, std::int64_t next_offset, std::int32_t leader_epoch) {
    if (auto writable = kwire::mutable_batch_at(batch.span())) {
        writable->set_base_offset(next_offset); // outside the checksum: nothing else changes
        writable->set_partition_leader_epoch(leader_epoch);
    }
}

int watched = 0, passed_on = 0;
void watch(const kwire::create_topics_request::creatable_topic::view&) { ++watched; }
void pass_on(const kwire::request_frame&) { ++passed_on; }

void route(const kwire::shared_buffer& frame) {
    auto visitor = kwire::overloaded{
        [&](const kwire::request<kwire::create_topics_request>& asked) {
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

TEST_CASE("the code of the README keeps produced batches by reference, stamps them and sends them on") {
    kept.clear();
    const auto batch = kwire::shared_buffer::copy_of(kwire::test::from_hex(kafkas_batch));
    const auto sent = kwire::encode_request<kwire::produce_request>(
        {.acks = -1,
         .timeout_ms = 1000,
         .topic_data = {{.name = "orders", .partition_data = {{.index = 0, .records = batch}}}}},
        9, 7, "readme");
    REQUIRE(sent);
    const kwire::shared_buffer bytes = sent->to_bytes();
    const std::uint64_t copied = kwire::copied_bytes();
    auto frame = kwire::parse_request_frame(*bytes.slice(4, bytes.size() - 4));
    REQUIRE(frame);
    read(*frame);
    REQUIRE(kept.size() == 1);
    CHECK(kept[0] == batch);
    CHECK(bytes.slice_of(kept[0].span()).has_value());
    const kwire::buffer_chain answer = write(kept[0], 12, frame->correlation_id());
    CHECK(kwire::copied_bytes() == copied);
    CHECK(answer.segment_count() == 3);

    auto own = kwire::unique_buffer::with_capacity(batch.size());
    own.append(batch);
    stamp(own, 42, 5);
    const auto stamped = kwire::batch_at(own.span());
    REQUIRE(stamped);
    CHECK(stamped->record_count() == 2);
    CHECK(stamped->base_offset() == 42);
    CHECK(stamped->partition_leader_epoch() == 5);
    CHECK(crc_matches(*stamped));
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
