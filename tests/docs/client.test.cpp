// The code of docs/client.md; tests/docs/test_pages.py looks for each of its blocks here.
// needs: gzip
#include <kwire/compression/gzip.hpp>
#include <kwire/kwire.hpp>
#include <kwire/messages/api_versions.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/produce.hpp>

#include <algorithm>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace {

struct connection {
    kwire::correlator<> pending;
    kwire::response_reader reader{pending};
    kwire::common_versions versions;
    std::int32_t next_id = 1;

    // Encodes a request, notes it, and hands out the bytes to send.
    template <class Data>
    std::expected<kwire::buffer_chain, kwire::error> request(const Data& data, std::int16_t version) {
        using message = typename Data::struct_type;
        const kwire::request_start start{static_cast<kwire::api_key>(message::facts.key), version, next_id};
        auto out = kwire::encode_request(data, version, next_id, "my-client");
        if (!out) return out;
        if (auto noted = pending.sent(start); !noted) return std::unexpected(noted.error());
        ++next_id;
        return out;
    }

    // The response in the next frame, body unread.
    kwire::result<kwire::response_frame> response(kwire::shared_buffer frame) {
        const auto asked = pending.received(frame.span());
        if (!asked) return std::unexpected(asked.error());
        if (!*asked) return std::unexpected(kwire::error{.code = kwire::errc::unknown_correlation_id});
        return kwire::parse_response_frame(std::move(frame), (*asked)->api, (*asked)->api_version);
    }
};

// Takes the answer to ApiVersions; returns the version to ask again in, if the broker is older.
std::expected<std::optional<std::int16_t>, kwire::error>
learn_versions(connection& broker, kwire::response_frame frame, std::int16_t asked) {
    auto answer = kwire::parse<kwire::api_versions_response>(std::move(frame));
    if (!answer) return std::unexpected(answer.error());
    if (auto again = kwire::retry_version(**answer, asked)) return again;
    broker.versions = kwire::common_versions(**answer);
    return std::nullopt;
}

std::expected<kwire::buffer_chain, kwire::error> produce(connection& broker, std::string topic,
                                                         std::span<const std::string_view> values,
                                                         std::int64_t now, kwire::codec& codec) {
    kwire::batch_builder builder;
    for (const std::string_view value : values)
        if (auto done = builder.append({.timestamp = now, .value = kwire::bytes_of_text(value)}); !done)
            return std::unexpected(done.error()); // the batch is full: send it and begin the next one
    auto batch = std::move(builder).finish(codec);
    if (!batch) return std::unexpected(batch.error());

    const auto version = broker.versions.highest(kwire::api_key::produce);
    if (!version) return std::unexpected(kwire::error{.code = kwire::errc::unsupported_version});
    const kwire::produce_request::data request{
        .acks = -1,
        .timeout_ms = 30'000,
        .topic_data = {
            {.name = std::move(topic), .partition_data = {{.index = 0, .records = *std::move(batch)}}}}};
    return broker.request(request, std::min<std::int16_t>(*version, 12)); // v13 has topic ids, no names
}

// Calls `consume` for each record of one partition from `next_offset` on, and moves that on.
std::expected<void, kwire::error>
read_partition(const kwire::fetch_response::partition_data::view& partition, const kwire::codec_set& codecs,
               std::int64_t& next_offset,
               const std::function<void(std::int64_t offset, std::string_view value)>& consume) {
    constexpr std::size_t cap = 64 << 20; // of what one batch may decompress to
    for (auto batch : kwire::record_batches(partition.records())) {
        if (!batch) return std::unexpected(batch.error());
        if (!batch->is_control()) { // control batches hold markers, not data
            auto records = kwire::records(*batch, codecs, cap);
            if (!records) return std::unexpected(records.error());
            for (auto record : *records) {
                if (!record) return std::unexpected(record.error());
                if (record->offset() >= next_offset && record->value())
                    consume(record->offset(), kwire::text_of(*record->value()));
            }
        }
        next_offset = std::max(next_offset, batch->next_offset());
    }
    return {};
}

// Reads all partitions of a Fetch response of one topic; `next_offsets` has a position for each.
std::expected<void, kwire::error>
read_topic(const kwire::fetch_response::fetchable_topic_response::view& topic, const kwire::codec_set& codecs,
           std::map<std::int32_t, std::int64_t>& next_offsets,
           const std::function<void(std::int64_t offset, std::string_view value)>& consume) {
    for (auto partition : topic.partitions()) {
        if (partition.error_code() != kwire::error_code::none)
            continue; // look for the new leader, or reset the offset
        auto done = read_partition(partition, codecs, next_offsets[partition.partition_index()], consume);
        if (!done) return done;
    }
    return {};
}

kwire::shared_buffer frame_of(const kwire::buffer_chain& sent) {
    return kwire::without_length(sent.to_bytes()).value();
}

/// The broker's response to the last request.
template <class Data>
kwire::response_frame answered(connection& broker, const Data& answer, int version) {
    return broker.response(frame_of(kwire::encode_response(answer, version, broker.next_id - 1).value()))
        .value();
}

/// A control batch with the marker of a transaction that was committed.
kwire::shared_buffer marker() {
    return kwire::build_marker({.type = kwire::control_type::commit, .producer_id = 1, .producer_epoch = 0});
}

void connect(connection& broker, std::int16_t newest_produce) {
    REQUIRE(broker.request(
        kwire::api_versions_request::data{.client_software_name = "page", .client_software_version = "1"},
        4));
    const kwire::api_versions_response::data versions{
        .api_keys = {{.api_key = kwire::api_key::produce, .min_version = 3, .max_version = newest_produce}}};
    const auto again = learn_versions(broker, answered(broker, versions, 4), 4);
    REQUIRE(again);
    CHECK_FALSE(*again);
}

} // namespace

TEST_CASE("the client of the page repeats ApiVersions for an older broker") {
    connection broker;
    REQUIRE(broker.request(
        kwire::api_versions_request::data{.client_software_name = "page", .client_software_version = "1"},
        4));
    const kwire::api_versions_response::data older{
        .error_code = kwire::error_code::unsupported_version,
        .api_keys = {{.api_key = kwire::api_key::api_versions, .min_version = 0, .max_version = 3}}};
    const auto again = learn_versions(broker, answered(broker, older, 0), 4);
    REQUIRE(again);
    CHECK(*again == 3);
}

TEST_CASE("the client of the page reads the records that it has produced, from the requested offset") {
    connection broker;
    connect(broker, 9);
    kwire::gzip_codec gzip;
    kwire::codec_set codecs(gzip); // and more, or later codecs.add(zstd)
    const std::string_view values[] = {"one", "two", "three"};
    const auto sent = produce(broker, "orders", values, 1000, gzip);
    REQUIRE(sent);
    const auto request =
        kwire::parse<kwire::produce_request>(kwire::parse_request_frame(frame_of(*sent)).value());
    REQUIRE(request);
    const auto topic = *request->topic_data().begin();
    const auto partition = *topic.partition_data().begin();
    const auto batch = (*request).slice(partition.records().value()).value();

    static_cast<void>(answered(broker, kwire::produce_response::data{}, 9));
    REQUIRE(broker.request(kwire::fetch_request::data{}, 11));
    const kwire::fetch_response::data answer{
        .responses = {{.topic = "orders",
                       .partitions = {{.partition_index = 0, .records = batch},
                                      {.partition_index = 1},
                                      {.partition_index = 2, .records = marker()},
                                      {.partition_index = 7,
                                       .error_code = kwire::error_code::not_leader_or_follower,
                                       .records = batch}}}}};
    auto response = kwire::parse<kwire::fetch_response>(answered(broker, answer, 11));
    REQUIRE(response);
    std::string seen;
    const auto note = [&](std::int64_t offset, std::string_view value) {
        seen += std::to_string(offset) + " " + std::string(value) + "\n";
    };
    std::map<std::int32_t, std::int64_t> next_offsets{{0, 1}, {7, 5}};
    for (const auto one : response->responses()) REQUIRE(read_topic(one, codecs, next_offsets, note));
    CHECK(next_offsets == std::map<std::int32_t, std::int64_t>{{0, 3}, {1, 0}, {2, 1}, {7, 5}});
    CHECK(seen == "1 two\n2 three\n");
}

TEST_CASE("the client of the page, which knows topics by name, produces in version 12 to newer brokers") {
    connection broker;
    connect(broker, 13);
    kwire::gzip_codec gzip;
    const std::string_view values[] = {"one"};
    const auto sent = produce(broker, "orders", values, 1000, gzip);
    REQUIRE(sent);
    CHECK(kwire::parse_request_frame(frame_of(*sent)).value().api_version() == 12);
}

TEST_CASE("the client of the page does not produce to a broker that lacks the API") {
    connection broker;
    kwire::gzip_codec gzip;
    const std::string_view values[] = {"one"};
    CHECK(produce(broker, "orders", values, 1000, gzip).error() == kwire::errc::unsupported_version);
}
