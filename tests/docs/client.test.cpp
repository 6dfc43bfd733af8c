// The code of docs/client.md; tests/docs/test_pages.py looks for each of its blocks here.
// needs: gzip
#include <kwire/compression/gzip.hpp>
#include <kwire/connect/posix.hpp>
#include <kwire/expected.hpp>
#include <kwire/kwire.hpp>
#include <kwire/messages/api_versions.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/list_offsets.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include <sys/socket.h>
#include <unistd.h>

namespace {

struct connection {
    kwire::correlator<> pending;
    kwire::response_reader reader{pending};
    kwire::common_versions versions;
    std::int32_t next_id = 1;

    // Encodes a request, notes it, and hands out the bytes to send.
    template <class Data>
    kwire::expected<kwire::buffer_chain, kwire::error> request(const Data& data, std::int16_t version) {
        using message = typename Data::struct_type;
        const kwire::request_start start{static_cast<kwire::api_key>(message::facts.key), version, next_id};
        auto out = kwire::encode_request(data, version, next_id, "my-client");
        if (!out) return out;
        if (auto noted = pending.sent(start); !noted) return kwire::unexpected(noted.error());
        ++next_id;
        return out;
    }

    // The response in the next frame, body unread.
    kwire::result<kwire::response_frame> response(kwire::shared_buffer frame) {
        const auto asked = pending.received(frame.span());
        if (!asked) return kwire::unexpected(asked.error());
        if (!*asked) return kwire::unexpected(kwire::error{.code = kwire::errc::unknown_correlation_id});
        return kwire::parse_response_frame(std::move(frame), (*asked)->api, (*asked)->api_version);
    }
};

// Sends a request and waits for its response. Throws std::system_error if the socket fails.
kwire::result<kwire::response_frame> ask(int socket, connection& broker, kwire::buffer_chain request) {
    const auto checked = [](auto bytes) {
        if (!bytes) throw std::system_error(std::make_error_code(bytes.error()));
        return *bytes;
    };
    kwire::outbox out;
    out.push(std::move(request));
    while (!out.empty()) checked(kwire::write_some(socket, out));
    for (;;) {
        auto frame = broker.reader.next();
        if (!frame) return kwire::unexpected(frame.error());
        if (*frame) return broker.response(**std::move(frame));
        if (checked(kwire::read_some(socket, broker.reader)) == 0) // the broker has closed the connection
            return kwire::unexpected(
                broker.reader.end_of_stream().value_or(kwire::error{.code = kwire::errc::truncated}));
    }
}

// Each request is kept with the function that gets its response, or the reason why there is none.
struct pipeline {
    using handler = std::function<void(kwire::result<kwire::response_frame>)>;

    kwire::correlator<handler> pending;
    kwire::response_reader reader{pending};
    kwire::outbox out;
    std::int32_t next_id = 1;

    template <class Data>
    kwire::expected<void, kwire::error> ask(const Data& data, std::int16_t version, handler then) {
        using message = typename Data::struct_type;
        const kwire::request_start start{static_cast<kwire::api_key>(message::facts.key), version, next_id};
        auto bytes = kwire::encode_request(data, version, next_id, "my-client");
        if (!bytes) return kwire::unexpected(bytes.error());
        if (auto noted = pending.sent(start, std::move(then)); !noted)
            return kwire::unexpected(noted.error());
        ++next_id;
        out.push(*std::move(bytes)); // leaves with the next write, beside others
        return {};
    }

    // For each frame of the reader. After an error the connection has to be closed.
    kwire::expected<void, kwire::error> deliver(kwire::shared_buffer frame) {
        auto asked = pending.received(frame.span());
        if (!asked) return kwire::unexpected(asked.error());
        if (*asked) {
            const auto [api, version] = std::pair((*asked)->api, (*asked)->api_version);
            (*asked)->value(kwire::parse_response_frame(std::move(frame), api, version));
        }
        return {};
    }

    // After the end of the connection: no request is left without an outcome.
    void end(const kwire::error& why) {
        while (auto left = pending.abandon()) left->value(kwire::unexpected(why));
    }
};

// Asks for the versions of the broker.
kwire::expected<kwire::buffer_chain, kwire::error> ask_versions(connection& broker, std::int16_t version) {
    return broker.request(kwire::api_versions_request::data{.client_software_name = "my-client",
                                                            .client_software_version = "1.0"},
                          version);
}

// Takes the answer to ApiVersions; returns the version to ask again in, if the broker is older.
kwire::expected<std::optional<std::int16_t>, kwire::error>
learn_versions(connection& broker, kwire::response_frame frame, std::int16_t asked) {
    auto answer = kwire::parse<kwire::api_versions_response>(std::move(frame));
    if (!answer) return kwire::unexpected(answer.error());
    if (auto again = kwire::retry_version(**answer, asked)) return again;
    if (answer->error_code() != kwire::error_code::none)
        return kwire::unexpected(
            kwire::error{.code = kwire::errc::bad_value, .message = "ApiVersionsResponse"});
    broker.versions = kwire::common_versions(**answer);
    return std::nullopt;
}

kwire::expected<kwire::buffer_chain, kwire::error> produce(connection& broker, std::string topic,
                                                           std::span<const std::string_view> values,
                                                           std::int64_t now, kwire::codec& codec) {
    kwire::batch_builder builder;
    for (const std::string_view value : values)
        if (auto done = builder.append({.timestamp = now, .value = kwire::bytes_of_text(value)}); !done)
            return kwire::unexpected(done.error()); // the batch is full: send it and begin the next one
    auto batch = std::move(builder).finish(codec);
    if (!batch) return kwire::unexpected(batch.error());

    // From v13 on there are topic ids in place of names.
    const auto version = broker.versions.choose<kwire::produce_request>({3, 12});
    if (!version) return kwire::unexpected(version.error());
    const kwire::produce_request::data request{
        .acks = -1,
        .timeout_ms = 30'000,
        .topic_data = {
            {.name = std::move(topic), .partition_data = {{.index = 0, .records = *std::move(batch)}}}}};
    return broker.request(request, *version);
}

// Metadata of one topic.
kwire::expected<kwire::buffer_chain, kwire::error> ask_partitions(connection& broker, std::string topic) {
    const auto version = broker.versions.choose<kwire::metadata_request>();
    if (!version) return kwire::unexpected(version.error());
    return broker.request(kwire::metadata_request::data{.topics = {{{.name = std::move(topic)}}}}, *version);
}

// The first offset of a partition.
kwire::expected<kwire::buffer_chain, kwire::error> ask_start(connection& broker, std::string topic,
                                                             std::int32_t partition) {
    constexpr std::int64_t earliest = -2, latest [[maybe_unused]] = -1; // or Unix ms
    const auto version = broker.versions.choose<kwire::list_offsets_request>({1, 11});
    if (!version) return kwire::unexpected(version.error());
    return broker.request(
        kwire::list_offsets_request::data{
            .replica_id = -1, // a consumer; the default is that of Kafka's schema, broker 0
            .topics = {{.name = std::move(topic),
                        .partitions = {{.partition_index = partition, .timestamp = earliest}}}}},
        *version);
}

// Records of a partition from `offset` on, of 1 MiB at least if there are as many.
kwire::expected<kwire::buffer_chain, kwire::error> ask_records(connection& broker, std::string topic,
                                                               std::int32_t partition, std::int64_t offset) {
    const auto version = broker.versions.choose<kwire::fetch_request>({4, 12}); // later: topic ids
    if (!version) return kwire::unexpected(version.error());
    return broker.request(
        kwire::fetch_request::data{.max_wait_ms = 500,
                                   .min_bytes = 1,
                                   .max_bytes = 50 << 20, // below what the reader accepts (frame_limits)
                                   .topics = {{.topic = std::move(topic),
                                               .partitions = {{.partition = partition,
                                                               .fetch_offset = offset,
                                                               .partition_max_bytes = 1 << 20}}}}},
        *version);
}

// Calls `consume` for each record of one partition from `next_offset` on, and moves that on.
kwire::expected<void, kwire::error>
read_partition(const kwire::fetch_response::partition_data::view& partition, const kwire::codec_set& codecs,
               std::int64_t& next_offset,
               const std::function<void(std::int64_t offset, std::string_view value)>& consume) {
    constexpr std::size_t cap = 64 << 20; // of what one batch may decompress to
    for (auto batch : kwire::record_batches(partition.records())) {
        if (!batch) return kwire::unexpected(batch.error());
        if (!batch->is_control()) { // control batches hold markers, not data
            auto records = kwire::records(*batch, codecs, cap);
            if (!records) return kwire::unexpected(records.error());
            for (auto record : *records) {
                if (!record) return kwire::unexpected(record.error());
                if (record->offset() >= next_offset && record->value())
                    consume(record->offset(), kwire::text_of(*record->value()));
            }
        }
        next_offset = std::max(next_offset, batch->next_offset());
    }
    return {};
}

// Reads all partitions of a Fetch response of one topic; `next_offsets` has a position for each.
kwire::expected<void, kwire::error>
read_topic(const kwire::fetch_response::fetchable_topic_response::view& topic, const kwire::codec_set& codecs,
           std::map<std::int32_t, std::int64_t>& next_offsets,
           const std::function<void(std::int64_t offset, std::string_view value)>& consume) {
    for (auto partition : topic.partitions()) {
        // NOT_LEADER_OR_FOLLOWER: ask Metadata again. OFFSET_OUT_OF_RANGE: ask ListOffsets.
        if (partition.error_code() != kwire::error_code::none) continue;
        auto done = read_partition(partition, codecs, next_offsets[partition.partition_index()], consume);
        if (!done) return done;
    }
    return {};
}

// The next frame, however many reads that takes. `read` returns 0 at the end of the stream.
template <class Read>
kwire::expected<kwire::shared_buffer, kwire::error> next_frame(kwire::frame_reader& reader, Read read) {
    for (;;) {
        auto frame = reader.next();
        if (!frame) return kwire::unexpected(frame.error());
        if (*frame) return **std::move(frame);
        const std::size_t bytes = read(reader.prepare());
        if (bytes == 0) // between frames, end_of_stream() has no error
            return kwire::unexpected(
                reader.end_of_stream().value_or(kwire::error{.code = kwire::errc::truncated}));
        reader.commit(bytes);
    }
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

TEST_CASE("the client of the page asks for versions, partitions, the first offset and records") {
    connection broker;
    const auto versions = ask_versions(broker, 4);
    REQUIRE(versions);
    CHECK(
        kwire::answer_api_versions(kwire::parse_request_frame(frame_of(*versions)).value(), kwire::known_apis)
            .value()
            .body.error_code == kwire::error_code::none);
    const kwire::api_versions_response::data all{
        .api_keys = {{.api_key = kwire::api_key::metadata, .min_version = 0, .max_version = 13},
                     {.api_key = kwire::api_key::list_offsets, .min_version = 1, .max_version = 9},
                     {.api_key = kwire::api_key::fetch, .min_version = 4, .max_version = 17}}};
    REQUIRE(learn_versions(broker, answered(broker, all, 4), 4));

    const auto metadata = kwire::parse<kwire::metadata_request>(
        kwire::parse_request_frame(frame_of(ask_partitions(broker, "orders").value())).value());
    REQUIRE(metadata);
    for (const auto topic : metadata->topics()) CHECK(topic.name() == "orders");
    CHECK(metadata->topics().size() == 1);

    const auto start = kwire::parse<kwire::list_offsets_request>(
        kwire::parse_request_frame(frame_of(ask_start(broker, "orders", 2).value())).value());
    REQUIRE(start);
    CHECK(kwire::version_of(**start) == 9);
    CHECK(start->replica_id() == -1);
    const auto looked_up = *(*start->topics().begin()).partitions().begin();
    CHECK(looked_up.partition_index() == 2);
    CHECK(looked_up.timestamp() == -2);

    const auto fetch = kwire::parse<kwire::fetch_request>(
        kwire::parse_request_frame(frame_of(ask_records(broker, "orders", 2, 42).value())).value());
    REQUIRE(fetch);
    CHECK(kwire::version_of(**fetch) == 12);
    CHECK(fetch->replica_id() == -1);
    CHECK((*(*fetch->topics().begin()).partitions().begin()).fetch_offset() == 42);
}

TEST_CASE("the client of the page does not take a refusal of ApiVersions for versions") {
    connection broker;
    REQUIRE(ask_versions(broker, 4));
    const kwire::api_versions_response::data refusal{.error_code = kwire::error_code::invalid_request};
    CHECK(learn_versions(broker, answered(broker, refusal, 4), 4).error() == kwire::errc::bad_value);
}

TEST_CASE("the client of the page reads frames in pieces, and says where a stream was cut") {
    connection broker;
    REQUIRE(ask_versions(broker, 0));
    const auto sent = kwire::encode_response(kwire::api_versions_response::data{}, 0, 1).value().to_bytes();
    std::span<const std::byte> left = sent.span();
    const auto read = [&](std::span<std::byte> into) {
        const std::size_t n = std::min({into.size(), left.size(), std::size_t{3}});
        std::copy_n(left.begin(), n, into.begin());
        left = left.subspan(n);
        return n;
    };
    const auto frame = next_frame(broker.reader, read);
    REQUIRE(frame);
    CHECK(broker.response(*frame));
    CHECK(next_frame(broker.reader, read).error().needed == 0);
    left = sent.span().first(7);
    CHECK(next_frame(broker.reader, read).error().left == 3);
}

TEST_CASE("the client of the page asks over a blocking socket, and learns that the broker has gone") {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    std::thread peer([socket = ends[1]] { // a broker that answers one request, in two writes
        kwire::request_reader reader;
        while (!reader.has_frame_or_failed() && kwire::read_some(socket, reader).value_or(0) != 0) {}
        const auto asked = kwire::parse_request_frame(reader.next().value().value()).value();
        const kwire::api_versions_response::data answer{
            .api_keys = {{.api_key = kwire::api_key::fetch, .min_version = 4, .max_version = 9}}};
        const auto bytes =
            kwire::encode_response(answer, asked.api_version(), asked.correlation_id()).value().to_bytes();
        for (const auto& part : {bytes.slice(0, 6).value(), bytes.slice(6, bytes.size() - 6).value()}) {
            kwire::outbox out;
            out.push(part);
            while (!out.empty() && kwire::write_some(socket, out)) {}
        }
        ::close(socket);
    });
    connection broker;
    auto response = ask(ends[0], broker, ask_versions(broker, 4).value());
    peer.join();
    REQUIRE(response);
    REQUIRE(learn_versions(broker, *std::move(response), 4));
    CHECK(broker.versions.choose<kwire::fetch_request>() == std::int16_t{9});

    auto more = ask_versions(broker, 4).value();
    CHECK_THROWS_AS(ask(ends[0], broker, std::move(more)), std::system_error); // the peer is gone
    ::shutdown(ends[0], SHUT_RD);
    ::close(ends[0]);
}

TEST_CASE("the pipeline of the page gives each response to who asked, and each request an outcome") {
    pipeline broker;
    std::vector<std::string> told;
    const auto note = [&](std::string name) {
        return [&told, name = std::move(name)](const kwire::result<kwire::response_frame>& response) {
            told.push_back(name + ": " +
                           (response ? std::string(kwire::name_of(response->api()))
                                     : std::string(kwire::name_of(response.error().code))));
        };
    };
    REQUIRE(broker.ask(kwire::fetch_request::data{}, 11, note("first")));
    REQUIRE(broker.ask(kwire::metadata_request::data{}, 9, note("second")));
    REQUIRE(broker.ask(kwire::fetch_request::data{}, 11, note("third")));
    CHECK(broker
              .ask(kwire::metadata_request::data{.include_cluster_authorized_operations = true}, 12,
                   note("never sent"))
              .error() == kwire::errc::field_not_in_version);
    CHECK(broker.out.segment_count() == 3);
    REQUIRE(broker.deliver(frame_of(kwire::encode_response(kwire::fetch_response::data{}, 11, 1).value())));
    REQUIRE(broker.deliver(frame_of(kwire::encode_response(kwire::metadata_response::data{}, 9, 2).value())));
    CHECK(told == std::vector<std::string>{"first: Fetch", "second: Metadata"});
    broker.end({.code = kwire::errc::truncated});
    CHECK(told.size() == 3);
    CHECK(told.back() == "third: truncated");
    CHECK_FALSE(broker.deliver(kwire::shared_buffer::copy_of(std::as_bytes(std::span("four")))));
}
