// The code of README.md; tests/docs/test_pages.py looks for each of its blocks here.
#include <kwire/connect/rewrite.hpp>
#include <kwire/kwire.hpp>
#include <kwire/messages/create_topics.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/messages/registry.hpp>

#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"

namespace {

std::vector<kwire::held<kwire::batch_view>> kept;
std::string refused;

void reject(const kwire::error& why) { refused = kwire::to_string(why); }

void produce(kwire::request_frame frame, std::int64_t next_offset) {
    auto produce = kwire::parse<kwire::produce_request>(std::move(frame), kwire::parse_options::as_kafka());
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
                if (auto held = shared.hold(*batch)) kept.push_back(*std::move(held));
}

kwire::buffer_chain write(const kwire::shared_buffer& batches, int version, std::int32_t correlation_id) {
    kwire::fetch_response::data response{
        .responses = {{.topic = "orders",
                       .partitions = {{.partition_index = 0, .high_watermark = 42, .records = batches}}}},
    };
    auto out = kwire::encode_response(response, version, correlation_id);
    if (!out) reject(out.error());
    return out.value_or(kwire::buffer_chain{});
}

std::vector<kwire::shared_buffer> outbox;
void send(kwire::shared_buffer frame) { outbox.push_back(std::move(frame)); }

void route(kwire::shared_buffer frame, const kwire::request_start& asked) {
    auto visitor = kwire::overloaded{
        [&](kwire::message<kwire::metadata_response> response) {
            auto metadata = kwire::edit(std::move(response));
            if (!metadata) return reject(metadata.error());
            if (auto broker = kwire::find(metadata->brokers(), 1))
                if (auto done = kwire::set<"port">(*metadata, *broker, 19092); !done)
                    return reject(done.error());
            send(std::move(*metadata).freeze().frame());
        },
        [&](kwire::response_frame other) { send(std::move(other).frame()); },
    };
    if (auto done = kwire::dispatch(std::move(frame), asked, visitor); !done) return reject(done.error());
}

void send(kwire::buffer_chain frame) { outbox.push_back(frame.to_bytes()); }

void rename(kwire::shared_buffer bytes, const kwire::request_start& asked) {
    // asked: what the correlator says of the request
    auto frame = kwire::parse_response_frame(std::move(bytes), asked.api, asked.api_version);
    if (!frame) return reject(frame.error());
    auto out = kwire::rewrite(
        *frame, {kwire::entity::host, kwire::entity::topic_name}, [](kwire::named_field& field) {
            if (field.meaning() == kwire::entity::host) {
                if (!field.text().empty())
                    field.set_address("proxy.example", 19092); // else no coordinator was found
            } else if (field.text().starts_with("tenant-a.")) {
                field.set_text(field.text().substr(9));
            } else {
                field.drop(); // a topic of another tenant
            }
        });
    if (!out) return reject(out.error());
    send(*std::move(out)); // what did not change is the original, by reference
}

std::string consumed;
void print(std::string_view topic, std::int64_t offset, std::string_view value) {
    consumed += std::string(topic) + " " + std::to_string(offset) + " " + std::string(value) + "\n";
}

void consume(kwire::response_frame frame, const kwire::codec_set& codecs) {
    auto response = kwire::parse<kwire::fetch_response>(std::move(frame));
    if (!response) return reject(response.error());

    for (auto topic : response->responses())
        for (auto partition : topic.partitions())
            for (auto batch : kwire::record_batches(partition.records())) {
                if (!batch) return reject(batch.error());
                auto records = kwire::records(*batch, codecs, 64 << 20); // at most 64 MiB, however compressed
                if (!records) return reject(records.error());
                for (auto record : *records) {
                    if (!record) return reject(record.error());
                    if (record->value())
                        print(topic.topic(), record->offset(), kwire::text_of(*record->value()));
                }
            }
}

std::string dump(kwire::shared_buffer bytes) {
    auto frame = kwire::parse_request_frame(std::move(bytes));
    if (!frame) return kwire::to_string(frame.error());
    const kwire::message_info* info = kwire::find_request(frame->api());
    if (info == nullptr) return "unknown API";
    auto request = kwire::parse(*info, *std::move(frame));
    return request ? kwire::to_text(**request) : kwire::to_string(request.error());
}

kwire::shared_buffer frame_of(const kwire::buffer_chain& chain) {
    const kwire::shared_buffer bytes = chain.to_bytes();
    return kwire::shared_buffer::copy_of(bytes.span().subspan(4)); // after the length, with no other holder
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

    consumed.clear();
    consume(kwire::parse_response_frame(frame_of(answer), kwire::api_key::fetch, 12).value(), {});
    CHECK(consumed == "orders 44 v\n"); // the other record has no value
}

TEST_CASE("the code of the README reports the error of a request and its position") {
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

TEST_CASE("the code of the README changes a port in the message that it names and passes the others on") {
    const kwire::metadata_response::data cluster{
        .brokers = {{.node_id = 1, .host = "a", .port = 9092}, {.node_id = 2, .host = "b", .port = 9092}}};
    kwire::metadata_response::data changed = cluster;
    changed.brokers[0].port = 19092;
    const auto produced = frame_of(kwire::encode_response(kwire::produce_response::data{}, 9, 8).value());
    outbox.clear();
    route(frame_of(kwire::encode_response(cluster, 12, 7).value()), {kwire::api_key::metadata, 12, 7});
    route(produced, {kwire::api_key::produce, 9, 8});
    REQUIRE(outbox.size() == 2);
    CHECK(outbox[0] == frame_of(kwire::encode_response(changed, 12, 7).value()));
    CHECK(outbox[1] == produced);
}

TEST_CASE("the code of the README shows a tenant its own topics, at the proxy's address") {
    const kwire::metadata_response::data cluster{
        .brokers = {{.node_id = 1, .host = "a", .port = 9092}},
        .topics = {{.name = "tenant-b.bills"}, {.name = "tenant-a.orders"}}};
    const kwire::metadata_response::data shown{
        .brokers = {{.node_id = 1, .host = "proxy.example", .port = 19092}}, .topics = {{.name = "orders"}}};
    outbox.clear();
    rename(frame_of(kwire::encode_response(cluster, 12, 7).value()), {kwire::api_key::metadata, 12, 7});
    REQUIRE(outbox.size() == 1);
    CHECK(outbox[0] == frame_of(kwire::encode_response(shown, 12, 7).value()));
}

TEST_CASE("the code of the README prints any request") {
    const kwire::create_topics_request::data request{.topics = {{.name = "bills"}, {.name = "orders"}}};
    const std::string text = dump(frame_of(kwire::encode_request(request, 5, 1, "readme").value()));
    CHECK(text.starts_with("CreateTopicsRequest v5 {topics: [{name: \"bills\""));
    CHECK(dump(kwire::shared_buffer::copy_of("abc")) ==
          "RequestHeader: truncated at byte 0, needs 8 bytes, 3 left");
}
