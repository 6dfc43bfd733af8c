// The code of docs/proxy.md; tests/docs/test_pages.py looks for each of its blocks here.
#include <kwire/connect/correlator.hpp>
#include <kwire/connect/dispatch.hpp>
#include <kwire/connect/frame_reader.hpp>
#include <kwire/connect/negotiation.hpp>
#include <kwire/connect/rewrite.hpp>
#include <kwire/error_text.hpp>
#include <kwire/expected.hpp>
#include <kwire/messages/create_topics.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/registry.hpp>
#include <kwire/messages/sasl_handshake.hpp>
#include <kwire/reflect/transcode.hpp>
#include <kwire/write/set.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace {

using outcome = kwire::expected<void, kwire::error>;

// The error of the frame, or else the outcome that the visitor returned.
outcome flat(kwire::expected<outcome, kwire::error> done) {
    return done ? *std::move(done) : outcome(kwire::unexpected(done.error()));
}

std::vector<kwire::shared_buffer> to_broker, to_client;

// The only place that writes lengths: the frame readers have removed them.
void send(std::vector<kwire::shared_buffer>& peer, kwire::buffer_chain frame) {
    auto out = kwire::with_length(std::move(frame));
    if (out) peer.push_back(out->to_bytes()); // or a gathering write of *out
}

// The versions that this proxy supports, and lets the broker offer. All other APIs are left out.
constexpr kwire::api_range spoken[] = {
    {kwire::api_key::produce, {0, 13}},       {kwire::api_key::metadata, {1, 12}},
    {kwire::api_key::sasl_handshake, {0, 1}}, {kwire::api_key::create_topics, {2, 7}},
    {kwire::api_key::api_versions, {0, 4}},
};

bool speaks(const kwire::request_frame& asked) {
    return kwire::versions_in(spoken, asked.api()).contains(asked.api_version());
}

using clock = std::chrono::steady_clock;

// A strict parse would close the connection of clients that Kafka serves.
constexpr auto of_clients = kwire::parse_options::as_kafka();

// One connection of a client, and the connection to the broker that serves it.
struct session {
    kwire::correlator<clock::time_point> pending{{.parse = of_clients}};
    kwire::request_reader client_stream;
    kwire::response_reader broker_stream{pending};
    std::optional<kwire::common_versions> common;
    clock::duration slowest{};
    int watched = 0;

    outcome arrived(kwire::frame_reader& stream, std::size_t bytes);
    outcome from_client(kwire::shared_buffer frame);
    outcome from_broker(kwire::shared_buffer frame);
    outcome answer_itself(const kwire::request_frame& asked);
    outcome answer_versions(kwire::response_frame frame);
    outcome pass_on(kwire::shared_buffer frame);
};

// Takes what was read into stream.prepare(), client_stream's or broker_stream's.
outcome session::arrived(kwire::frame_reader& stream, std::size_t bytes) {
    stream.commit(bytes);
    auto frame = stream.next();
    if (!frame) return kwire::unexpected(frame.error()); // "TLS handshake: not_a_kafka_peer at byte 0"
    if (!*frame) return {};                              // incomplete: read more
    return &stream == &client_stream ? from_client(**std::move(frame)) : from_broker(**std::move(frame));
}

outcome session::from_client(kwire::shared_buffer frame) {
    if (pending.is_token(frame.span())) return pass_on(std::move(frame)); // SASL, without a header
    auto request = kwire::parse_request_frame(std::move(frame), of_clients);
    if (!request) return kwire::unexpected(request.error());
    if (!speaks(*request)) {
        if (request->api() == kwire::api_key::api_versions && pending.in_flight() == 0)
            return answer_itself(*request);
        return kwire::unexpected(kwire::error{.code = kwire::errc::unsupported_version,
                                              .message = kwire::facts_of(request->api()).name,
                                              .version = request->api_version(),
                                              .located = false});
    }
    auto visitor = kwire::overloaded{
        [&](kwire::message<kwire::create_topics_request> asked) -> outcome {
            watched += static_cast<int>(asked->topics().size());
            return pass_on(std::move(asked).frame()); // header and body as they came
        },
        [&](kwire::request_frame other) -> outcome { return pass_on(std::move(other).frame()); },
    };
    return flat(kwire::dispatch(*std::move(request), visitor, of_clients));
}

// The client's version is newer than this proxy: it gets version 0 and asks again.
outcome session::answer_itself(const kwire::request_frame& asked) {
    auto answer = kwire::answer_api_versions(asked, spoken);
    if (!answer) return kwire::unexpected(answer.error());
    auto out = kwire::encode_response<kwire::api_versions_response>(answer->body, answer->version,
                                                                    asked.correlation_id());
    if (!out) return kwire::unexpected(out.error());
    to_client.push_back(out->to_bytes()); // has its length
    return {};
}

outcome session::pass_on(kwire::shared_buffer frame) {
    auto noted = pending.sent(frame.span(), clock::now());
    if (!noted) return kwire::unexpected(noted.error());
    send(to_broker, std::move(frame));
    return {};
}

outcome session::from_broker(kwire::shared_buffer frame) {
    auto asked = pending.received(frame.span());
    if (!asked) return kwire::unexpected(asked.error()); // nothing was asked: close
    if (!*asked) {                                       // a raw SASL token has no header
        send(to_client, std::move(frame));
        return {};
    }
    slowest = std::max(slowest, clock::now() - (*asked)->value);
    auto visitor = kwire::overloaded{
        [&](kwire::message<kwire::metadata_response> answer) -> outcome {
            auto message = kwire::edit(std::move(answer));
            if (!message) return kwire::unexpected(message.error());
            for (auto broker : message->brokers())
                if (auto done = kwire::set<"port">(*message, broker, 19092); !done) return done;
            send(to_client, std::move(*message).freeze().frame()); // header, body, new ports
            return {};
        },
        [&](kwire::response_frame other) -> outcome {
            if (other.api() == kwire::api_key::api_versions) return answer_versions(std::move(other));
            send(to_client, std::move(other).frame());
            return {};
        },
    };
    return flat(kwire::dispatch(std::move(frame), **asked, visitor));
}

// The client may use the versions that both the broker and this proxy support.
outcome session::answer_versions(kwire::response_frame frame) {
    auto answer = kwire::parse<kwire::api_versions_response>(frame);
    if (!answer) return kwire::unexpected(answer.error());
    common.emplace(**answer, spoken);
    const auto offered = kwire::clamp(**answer, spoken); // offered.lowered: features that had to go down
    auto out = kwire::encode_response(offered.body, frame.api_version(), frame.correlation_id());
    if (!out) return kwire::unexpected(out.error());
    to_client.push_back(out->to_bytes());
    return {};
}

// What this tenant calls "orders" is "tenant-a.orders" at the broker. It sees no other topics, and the proxy
// in place of each broker.
struct tenant_session {
    kwire::correlator<> pending{{.parse = of_clients}};

    outcome from_client(kwire::shared_buffer bytes);
    outcome from_broker(kwire::shared_buffer bytes);
};

outcome tenant_session::from_client(kwire::shared_buffer bytes) {
    auto noted = pending.sent(bytes.span()); // the id, API and version, which do not change
    if (!noted) return kwire::unexpected(noted.error());
    if (noted->is_token) {
        send(to_broker, std::move(bytes));
        return {};
    }
    auto frame = kwire::parse_request_frame(std::move(bytes), of_clients);
    if (!frame) return kwire::unexpected(frame.error());
    const auto renamed = [](kwire::named_field& topic) {
        topic.set_text("tenant-a." + std::string(topic.text()));
    };
    auto out = kwire::rewrite(*frame, kwire::entity::topic_name, renamed, {.parse = of_clients});
    if (!out) return kwire::unexpected(out.error());
    send(to_broker, *std::move(out)); // which adds the length
    return {};
}

outcome tenant_session::from_broker(kwire::shared_buffer bytes) {
    auto asked = pending.received(bytes.span());
    if (!asked) return kwire::unexpected(asked.error());
    if (!*asked) { // a token
        send(to_client, std::move(bytes));
        return {};
    }
    const kwire::request_start& request = **asked; // a response does not say what it is
    auto frame = kwire::parse_response_frame(std::move(bytes), request.api, request.api_version);
    if (!frame) return kwire::unexpected(frame.error());
    const auto shown = [](kwire::named_field& field) {
        constexpr std::string_view prefix = "tenant-a.";
        if (field.meaning() == kwire::entity::host) {
            if (!field.text().empty())
                field.set_address("proxy.example", 19092); // else no coordinator was found
        } else if (field.text().starts_with(prefix)) {
            field.set_text(field.text().substr(prefix.size()));
        } else {
            field.drop();
        }
    };
    auto out = kwire::rewrite(*frame, {kwire::entity::host, kwire::entity::topic_name}, shown);
    if (!out) return kwire::unexpected(out.error());
    send(to_client, *std::move(out));
    return {};
}

// The response with every broker at the proxy's address, with its length.
kwire::expected<kwire::buffer_chain, kwire::error>
with_our_address(const kwire::message<kwire::metadata_response>& answer, std::string_view host, int port) {
    auto data = kwire::to_data(answer);
    for (auto& broker : data.brokers) {
        broker.host = host;
        broker.port = port;
    }
    return kwire::encode_response(data, answer.api_version(), answer.header().correlation_id());
}

// A response of the broker, header included, in the version that the client has requested.
kwire::expected<kwire::buffer_chain, kwire::error>
in_version(const kwire::response_frame& frame, const kwire::message_info& message, std::int16_t version) {
    auto body = kwire::transcode(message, frame.body(), frame.api_version(), version);
    if (!body) return body;
    auto out = kwire::encode<kwire::response_header>({.correlation_id = frame.correlation_id()},
                                                     kwire::response_header_version(frame.api(), version));
    if (!out) return out;
    out->put(*std::move(body));
    return kwire::with_length(*std::move(out));
}

kwire::shared_buffer behind_length(const kwire::shared_buffer& sent) {
    CHECK(kwire::wire::load_be<std::uint32_t>(sent.data()) == sent.size() - 4);
    return kwire::shared_buffer::copy_of(sent.span().subspan(4));
}
template <class M>
kwire::shared_buffer request(const typename M::data& data, int version, std::int32_t id) {
    return behind_length(kwire::encode_request<M>(data, version, id, "me").value().to_bytes());
}
template <class M>
kwire::shared_buffer response(const typename M::data& data, int version, std::int32_t id) {
    return behind_length(kwire::encode_response<M>(data, version, id).value().to_bytes());
}
kwire::shared_buffer only_one(std::vector<kwire::shared_buffer>& sent) {
    REQUIRE(sent.size() == 1);
    auto frame = behind_length(sent[0]);
    sent.clear();
    return frame;
}

kwire::metadata_response::data cluster(int port) {
    return {
        .throttle_time_ms = 5,
        .brokers = {{.node_id = 1, .host = "a", .port = port}, {.node_id = 2, .host = "b", .port = port}}};
}

} // namespace

TEST_CASE("the proxy of the page passes requests on unchanged and reads those that it names") {
    to_broker.clear();
    session one;
    const auto asked =
        request<kwire::create_topics_request>({.topics = {{.name = "a"}, {.name = "b"}}}, 5, 1);
    REQUIRE(one.from_client(asked));
    CHECK(only_one(to_broker) == asked);
    CHECK(one.watched == 2);
    CHECK(one.pending.in_flight() == 1);
    const auto unknown = request<kwire::metadata_request>({}, 13, 2);
    CHECK(one.from_client(unknown).error() == kwire::errc::unsupported_version);
    CHECK(to_broker.empty());
}

TEST_CASE("the proxy of the page answers unknown versions of ApiVersions itself") {
    to_client.clear();
    session one;
    auto asked = request<kwire::api_versions_request>({}, 4, 1);
    auto later = kwire::unique_buffer::with_capacity(asked.size());
    later.append(asked);
    later.data()[3] = std::byte{99};
    const auto newer = std::move(later).freeze();
    REQUIRE(one.from_client(newer));
    const auto frame =
        kwire::parse_response_frame(only_one(to_client), kwire::api_key::api_versions, 99).value();
    CHECK(frame.api_version() == 0);
    const auto answer = kwire::parse<kwire::api_versions_response>(frame).value();
    CHECK(kwire::retry_version(*answer, 99) == 4);

    to_broker.clear();
    REQUIRE(one.from_client(request<kwire::metadata_request>({}, 12, 2)));
    CHECK(one.from_client(newer).error() == kwire::errc::unsupported_version);
    CHECK(to_client.empty()); // it would have overtaken the response of the broker
}

TEST_CASE("the page puts the proxy's address into a response of another size") {
    auto frame = kwire::parse_response_frame(
        response<kwire::metadata_response>(
            {.brokers = {{.node_id = 1, .host = "b", .port = 9092}}, .cluster_id = "c"}, 12, 5),
        kwire::api_key::metadata, 12);
    REQUIRE(frame);
    const auto answer = kwire::parse<kwire::metadata_response>(*std::move(frame));
    REQUIRE(answer);
    const auto out = with_our_address(*answer, "proxy.example", 19092);
    REQUIRE(out);
    const auto sent = kwire::parse_response_frame(out->to_bytes().slice(4, out->size() - 4).value(),
                                                  kwire::api_key::metadata, 12);
    REQUIRE(sent);
    CHECK(sent->correlation_id() == 5);
    const auto shown = kwire::parse<kwire::metadata_response>(*sent);
    REQUIRE(shown);
    for (auto broker : shown->brokers()) {
        CHECK(broker.node_id() == 1);
        CHECK(broker.host() == "proxy.example");
        CHECK(broker.port() == 19092);
    }
    CHECK(shown->cluster_id() == "c");
}

TEST_CASE("the proxy of the page restricts the broker's versions and keeps its throttle time") {
    to_broker.clear();
    to_client.clear();
    session one;
    REQUIRE(one.from_client(request<kwire::api_versions_request>(
        {.client_software_name = "x", .client_software_version = "1"}, 3, 7)));
    to_broker.clear();
    REQUIRE(one.from_broker(response<kwire::api_versions_response>(
        {.api_keys = {{.api_key = kwire::api_key::produce, .min_version = 3, .max_version = 20},
                      {.api_key = kwire::api_key::fetch, .min_version = 4, .max_version = 17}},
         .throttle_time_ms = 250},
        3, 7)));
    const auto frame =
        kwire::parse_response_frame(only_one(to_client), kwire::api_key::api_versions, 3).value();
    CHECK(frame.correlation_id() == 7);
    const auto answer = kwire::parse<kwire::api_versions_response>(frame).value();
    CHECK(answer->throttle_time_ms() == 250);
    CHECK(answer->api_keys().size() == 1);
    CHECK(one.common->highest(kwire::api_key::produce) == 13);
    CHECK_FALSE(one.common->highest(kwire::api_key::fetch));
}

TEST_CASE("the proxy of the page reads requests as Kafka does, and names what it does not speak") {
    to_broker.clear();
    session one;
    const auto asked = request<kwire::create_topics_request>({.topics = {{.name = "a"}}}, 5, 1);
    auto spare = kwire::unique_buffer::with_capacity(asked.size() + 1);
    spare.append(asked);
    spare.append(kwire::bytes_of_text("!"));
    const auto with_spare_byte = std::move(spare).freeze();
    REQUIRE(one.from_client(with_spare_byte));
    CHECK(only_one(to_broker) == with_spare_byte);
    const auto refused = one.from_client(request<kwire::metadata_request>({}, 13, 2));
    CHECK(kwire::to_string(refused.error()) == "Metadata v13: unsupported_version");
}

TEST_CASE(
    "the proxy of the page takes its frames from the streams, also the empty token of PLAIN's success") {
    to_broker.clear();
    to_client.clear();
    session one;
    const auto give = [&](kwire::frame_reader& stream, kwire::buffer_chain frame) {
        const auto bytes = kwire::with_length(std::move(frame))->to_bytes();
        outcome done;
        for (std::size_t at = 0; at < bytes.size() && done;) {
            const auto room = stream.prepare();
            const std::size_t n = std::min(room.size(), bytes.size() - at);
            std::memcpy(room.data(), bytes.data() + at, n);
            at += n;
            done = one.arrived(stream, n);
        }
        return done;
    };
    const auto chain = [](const kwire::shared_buffer& bytes) {
        kwire::buffer_chain out;
        out.put_bytes(bytes);
        return out;
    };
    REQUIRE(
        give(one.client_stream, chain(request<kwire::sasl_handshake_request>({.mechanism = "PLAIN"}, 0, 3))));
    REQUIRE(give(one.broker_stream, chain(response<kwire::sasl_handshake_response>({}, 0, 3))));
    to_broker.clear();
    to_client.clear();
    using namespace std::string_view_literals;
    const auto token = kwire::shared_buffer::copy_of("\0me\0secret"sv);
    REQUIRE(give(one.client_stream, chain(token)));
    CHECK(only_one(to_broker) == token);
    REQUIRE(give(one.broker_stream, {}));
    CHECK(only_one(to_client).empty());
    const auto next = request<kwire::metadata_request>({}, 12, 8);
    REQUIRE(give(one.client_stream, chain(next)));
    CHECK(only_one(to_broker) == next);
    CHECK(give(one.client_stream, {}).error() == kwire::errc::bad_frame_length);
}

TEST_CASE("the proxy of the page passes on SASL tokens without a header") {
    to_broker.clear();
    to_client.clear();
    session one;
    REQUIRE(one.from_client(request<kwire::sasl_handshake_request>({.mechanism = "PLAIN"}, 0, 3)));
    to_broker.clear();
    const auto yes = response<kwire::sasl_handshake_response>({}, 0, 3);
    REQUIRE(one.from_broker(yes));
    CHECK(only_one(to_client) == yes);
    const auto token = kwire::shared_buffer::copy_of("abc");
    REQUIRE(one.from_client(token));
    CHECK(only_one(to_broker) == token);
    REQUIRE(one.from_broker(token));
    CHECK(only_one(to_client) == token);
}

TEST_CASE("the proxy of the page rewrites ports in place, and refuses responses without a request") {
    to_broker.clear();
    to_client.clear();
    session one;
    CHECK(one.from_broker(response<kwire::metadata_response>(cluster(9092), 12, 8)).error() ==
          kwire::errc::unknown_correlation_id);
    REQUIRE(one.from_client(request<kwire::metadata_request>({}, 12, 8)));
    auto from_broker = response<kwire::metadata_response>(cluster(9092), 12, 8);
    REQUIRE(one.from_broker(std::move(from_broker)));
    CHECK(only_one(to_client) == response<kwire::metadata_response>(cluster(19092), 12, 8));
}

TEST_CASE("the proxy of the page answers in a version other than the broker's") {
    const auto& message = *kwire::find_message("MetadataResponse");
    const auto frame = kwire::parse_response_frame(response<kwire::metadata_response>(cluster(9092), 12, 8),
                                                   kwire::api_key::metadata, 12)
                           .value();
    for (const std::int16_t version : {std::int16_t{5}, std::int16_t{9}}) { // headers 0 and 1
        const auto out = in_version(frame, message, version);
        REQUIRE(out);
        CHECK(behind_length(out->to_bytes()) ==
              response<kwire::metadata_response>(cluster(9092), version, 8));
    }
}

TEST_CASE("the tenant's session of the page renames topics both ways and hides those of others") {
    to_broker.clear();
    to_client.clear();
    tenant_session one;
    REQUIRE(one.from_client(request<kwire::metadata_request>({.topics = {{.name = "orders"}}}, 12, 8)));
    CHECK(only_one(to_broker) ==
          request<kwire::metadata_request>({.topics = {{.name = "tenant-a.orders"}}}, 12, 8));
    REQUIRE(one.from_broker(response<kwire::metadata_response>(
        {.brokers = {{.node_id = 1, .host = "kafka-1.internal", .port = 9092}},
         .topics = {{.name = "tenant-b.bills"}, {.name = "tenant-a.orders"}}},
        12, 8)));
    CHECK(only_one(to_client) == response<kwire::metadata_response>(
                                     {.brokers = {{.node_id = 1, .host = "proxy.example", .port = 19092}},
                                      .topics = {{.name = "orders"}}},
                                     12, 8));
    CHECK(one.from_broker(response<kwire::metadata_response>({}, 12, 9)).error() ==
          kwire::errc::unknown_correlation_id);

    REQUIRE(one.from_client(request<kwire::sasl_handshake_request>({.mechanism = "PLAIN"}, 0, 10)));
    REQUIRE(one.from_broker(response<kwire::sasl_handshake_response>({}, 0, 10)));
    to_broker.clear();
    to_client.clear();
    const auto token = kwire::shared_buffer::copy_of("abc");
    REQUIRE(one.from_client(token));
    CHECK(only_one(to_broker) == token);
    REQUIRE(one.from_broker(token));
    CHECK(only_one(to_client) == token);
}
