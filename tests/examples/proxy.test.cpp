// The session of examples/proxy, without sockets; tests/interop/proxy has real clients and sockets.
#include <kwire/messages/consumer_group_heartbeat.hpp>
#include <kwire/messages/describe_acls.hpp>
#include <kwire/messages/describe_cluster.hpp>
#include <kwire/messages/describe_quorum.hpp>
#include <kwire/messages/describe_topic_partitions.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/find_coordinator.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/messages/sasl_handshake.hpp>
#include <kwire/messages/share_acknowledge.hpp>
#include <kwire/messages/share_fetch.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "catch.hpp"
#include "examples/proxy/session.cpp"
#include "examples/proxy/tenant.cpp"

namespace {

const proxy::address hidden{.host = "broker-1.hidden.example", .port = 9092};
const proxy::address own{.host = "proxy", .port = 19092};

/// Every broker is at one port.
struct one_port : proxy::broker_ports {
    std::int32_t port_of(std::int64_t node, const proxy::address& real) override {
        CHECK(node > 0);
        CHECK(real == hidden);
        return own.port;
    }
};

struct one_session {
    explicit one_session(std::string prefix = {}) : names(std::move(prefix)) {}

    proxy::totals all;
    one_port brokers;
    proxy::tenant names;
    kwire::topic_directory topics;
    proxy::surroundings in{brokers, names, topics, all};
    proxy::session session{own.host, in};

    /// A request of a client; it must be passed on as it is.
    template <class M>
    void ask(const typename M::data& data, int version, std::int32_t id = 7) {
        const auto sent = kwire::encode_request<M>(data, version, id, "me").value().to_bytes();
        REQUIRE(session.from_client(*kwire::without_length(sent)));
        CHECK(session.to_broker.to_bytes() == sent);
        session.to_broker.clear();
    }
    /// What the client gets for a response of the broker, length included.
    template <class M>
    kwire::shared_buffer answer(const typename M::data& data, int version, std::int32_t id = 7) {
        const auto sent = kwire::encode_response<M>(data, version, id).value().to_bytes();
        const auto done = session.from_broker(*kwire::without_length(sent));
        if (!done) FAIL(done.error());
        auto out = session.to_client.to_bytes();
        session.to_client.clear();
        return out;
    }
};

/// `response` makes the data for an address: the client must get that with the proxy's own, and not a byte
/// more may differ.
template <class Request, class Response>
void check_redirected(const typename Request::data& request, auto response, kwire::version_range versions) {
    for (int version = versions.first; version <= versions.last; ++version) {
        INFO(Response::facts.name << " v" << version);
        one_session one;
        one.ask<Request>(request, version);
        const auto before = kwire::copied_bytes();
        const auto sent = kwire::encode_response<Response>(response(hidden), version, 7).value().to_bytes();
        const auto made_here = kwire::copied_bytes() - before;
        REQUIRE(one.session.from_broker(*kwire::without_length(sent)));
        CHECK(kwire::copied_bytes() - before == made_here);
        CHECK(one.session.to_client.to_bytes() ==
              kwire::encode_response<Response>(response(own), version, 7).value().to_bytes());
        CHECK(one.all.redirected >= 1);
    }
}

kwire::version_range from(std::int16_t version, kwire::version_range versions) {
    return {std::max(version, versions.first), versions.last};
}

} // namespace

TEST_CASE("every address of a broker becomes the proxy's own, in every version of every response") {
    namespace k = kwire;
    check_redirected<k::metadata_request, k::metadata_response>(
        {},
        [](const proxy::address& at) {
            return k::metadata_response::data{.brokers = {{.node_id = 1, .host = at.host, .port = at.port},
                                                          {.node_id = 2, .host = at.host, .port = at.port}}};
        },
        k::metadata_response::facts.versions);
    check_redirected<k::find_coordinator_request, k::find_coordinator_response>(
        {},
        [](const proxy::address& at) {
            return k::find_coordinator_response::data{.node_id = 1, .host = at.host, .port = at.port};
        },
        {0, 3});
    check_redirected<k::find_coordinator_request, k::find_coordinator_response>(
        {},
        [](const proxy::address& at) {
            return k::find_coordinator_response::data{
                .coordinators = {{.key = "a", .node_id = 1, .host = at.host, .port = at.port},
                                 {.key = "b", .node_id = 2, .host = at.host, .port = at.port}}};
        },
        from(4, k::find_coordinator_response::facts.versions));
    check_redirected<k::describe_cluster_request, k::describe_cluster_response>(
        {},
        [](const proxy::address& at) {
            return k::describe_cluster_response::data{
                .brokers = {{.broker_id = 1, .host = at.host, .port = at.port}}};
        },
        k::describe_cluster_response::facts.versions);

    const auto records = k::shared_buffer::copy_of(std::string(5000, 'r'));
    check_redirected<k::produce_request, k::produce_response>(
        {.acks = 1},
        [](const proxy::address& at) {
            return k::produce_response::data{
                .node_endpoints = {{.node_id = 1, .host = at.host, .port = at.port}}};
        },
        from(10, k::produce_response::facts.versions));
    check_redirected<k::fetch_request, k::fetch_response>(
        {},
        [&](const proxy::address& at) {
            return k::fetch_response::data{
                .responses = {{.partitions = {{.partition_index = 3, .records = records}}}},
                .node_endpoints = {{.node_id = 1, .host = at.host, .port = at.port}}};
        },
        from(16, k::fetch_response::facts.versions));
    check_redirected<k::share_fetch_request, k::share_fetch_response>(
        {},
        [&](const proxy::address& at) {
            return k::share_fetch_response::data{
                .responses = {{.partitions = {{.partition_index = 3, .records = records}}}},
                .node_endpoints = {{.node_id = 1, .host = at.host, .port = at.port}}};
        },
        k::share_fetch_response::facts.versions);
    check_redirected<k::share_acknowledge_request, k::share_acknowledge_response>(
        {},
        [](const proxy::address& at) {
            return k::share_acknowledge_response::data{
                .node_endpoints = {{.node_id = 1, .host = at.host, .port = at.port}}};
        },
        k::share_acknowledge_response::facts.versions);
}

TEST_CASE("responses without an address pass as they came, in the memory that they came in") {
    one_session one;
    one.ask<kwire::fetch_request>({}, 16);
    const auto sent =
        kwire::encode_response<kwire::fetch_response>({.session_id = 5}, 16, 7).value().to_bytes();
    REQUIRE(one.session.from_broker(*kwire::without_length(sent)));
    CHECK(one.session.to_client.to_bytes() == sent);
    CHECK(one.session.to_client.segments().back().data() == sent.data() + 4);
    CHECK(one.all.redirected == 0);
}

TEST_CASE("a coordinator that was not found gets no address") {
    for (const int version : {0, 3}) {
        one_session one;
        one.ask<kwire::find_coordinator_request>({}, version);
        const kwire::find_coordinator_response::data answer{
            .error_code = kwire::error_code::coordinator_not_available, .node_id = -1, .port = -1};
        CHECK(one.answer<kwire::find_coordinator_response>(answer, version) ==
              kwire::encode_response(answer, version, 7).value().to_bytes());
    }
}

TEST_CASE("clients are offered what the broker and kwire know, and no addresses of controllers") {
    one_session one;
    one.ask<kwire::api_versions_request>({.client_software_name = "x", .client_software_version = "1"}, 4);
    const auto unknown = static_cast<kwire::api_key>(9999);
    const auto sent = one.answer<kwire::api_versions_response>(
        {.api_keys = {{.api_key = kwire::api_key::produce, .min_version = 3, .max_version = 99},
                      {.api_key = kwire::api_key::describe_quorum, .min_version = 0, .max_version = 2},
                      {.api_key = unknown, .min_version = 0, .max_version = 1}}},
        4);
    const auto answer =
        kwire::parse<kwire::api_versions_response>(
            kwire::parse_response_frame(*kwire::without_length(sent), kwire::api_key::api_versions, 4)
                .value())
            .value();
    const kwire::common_versions common(answer.view());
    CHECK(common.highest(kwire::api_key::produce) == kwire::produce_request::facts.versions.last);
    CHECK(common.highest(kwire::api_key::describe_quorum) == 1);
    CHECK(answer->api_keys().size() == 2);

    const auto quorum = kwire::encode_request<kwire::describe_quorum_request>({}, 2, 8, "me").value();
    const auto refused = one.session.from_client(*kwire::without_length(quorum.to_bytes()));
    CHECK(refused.error() == "DescribeQuorum v2 is not supported");
}

TEST_CASE("APIs and versions that kwire does not know pass as they came, and are offered as the broker "
          "offers them") {
    one_session one;
    one.in.passes_unknown = true;
    one.ask<kwire::api_versions_request>({.client_software_name = "x", .client_software_version = "1"}, 4);
    const auto unknown = static_cast<kwire::api_key>(9999);
    const kwire::api_versions_response::data theirs{
        .api_keys = {{.api_key = kwire::api_key::produce, .min_version = 3, .max_version = 99},
                     {.api_key = unknown, .min_version = 2, .max_version = 7}}};
    const auto sent = one.answer<kwire::api_versions_response>(theirs, 4);
    auto ours = theirs;
    ours.api_keys[0].max_version = kwire::produce_request::facts.versions.last;
    CHECK(sent == kwire::encode_response(ours, 4, 7).value().to_bytes());

    // What is known, but not offered, is still refused.
    const auto quorum = kwire::encode_request<kwire::describe_quorum_request>({}, 2, 8, "me").value();
    CHECK(one.session.from_client(*kwire::without_length(quorum.to_bytes())).error() ==
          "DescribeQuorum v2 is not supported");

    // API 9999 v3 with id 5 and Metadata v99 with id 6, and what their headers are is not known.
    for (const std::string_view text :
         {std::string_view("\x27\x0f\0\3\0\0\0\5...", 11), std::string_view("\0\3\0\x63\0\0\0\6...", 11)}) {
        const auto request = kwire::shared_buffer::copy_of(text);
        REQUIRE(one.session.from_client(request));
        CHECK(one.session.to_broker == kwire::with_length(request).value());
        CHECK(one.session.to_broker.segments().back().data() == request.data());
        one.session.to_broker.clear();
    }
    CHECK(one.all.unknown == 2);
    for (const std::string_view text :
         {std::string_view("\0\0\0\5 broker-1.hidden.example", 28), std::string_view("\0\0\0\6", 4)}) {
        const auto answer = kwire::shared_buffer::copy_of(text);
        REQUIRE(one.session.from_broker(answer));
        CHECK(one.session.to_client == kwire::with_length(answer).value());
        one.session.to_client.clear();
    }
    // Too short to say what it is.
    CHECK_FALSE(one.session.from_client(kwire::shared_buffer::copy_of("1234567")));
}

TEST_CASE("a version of ApiVersions that is newer than the proxy is answered only if no response can be "
          "overtaken") {
    one_session one;
    // ApiVersions v99, correlation id 7, client id "me"
    const auto newer = kwire::shared_buffer::copy_of(std::string_view("\0\x12\0\x63\0\0\0\7\0\2me\0", 13));
    REQUIRE(one.session.from_client(newer));
    CHECK(one.session.to_broker.empty());
    const auto frame = kwire::parse_response_frame(*kwire::without_length(one.session.to_client.to_bytes()),
                                                   kwire::api_key::api_versions, 99)
                           .value();
    CHECK(frame.api_version() == 0);
    // The answer is not written yet, so there is no second one that would have to wait for it.
    CHECK(one.session.from_client(newer).error() == "ApiVersions v99 is not supported");
    one.session.to_client.clear();
    one.ask<kwire::metadata_request>({}, 12);
    CHECK(one.session.from_client(newer).error() == "ApiVersions v99 is not supported");
    CHECK(one.session.to_client.empty());
}

TEST_CASE("raw SASL tokens pass both ways, and are counted") {
    one_session one;
    one.ask<kwire::sasl_handshake_request>({.mechanism = "PLAIN"}, 0);
    CHECK(one.session.pending.full()); // what the client sends next is unknown until the broker has answered
    one.answer<kwire::sasl_handshake_response>({}, 0);
    const auto token = kwire::shared_buffer::copy_of(std::string_view("\0me\0secret", 10));
    REQUIRE(one.session.from_client(token));
    CHECK(one.session.to_broker == kwire::with_length(token).value());
    REQUIRE(one.session.from_broker({}));
    CHECK(one.session.to_client.size() == 4);
    CHECK(one.all.tokens == 2);
    CHECK(one.all.requests == 1);
}

TEST_CASE("a tenant's names get its prefix on their way to the broker, and lose it on their way back") {
    one_session one("a.");
    const auto renamed = [&]<class M>(const typename M::data& sent, const typename M::data& expected,
                                      int version) {
        const auto frame = kwire::encode_request<M>(sent, version, 7, "me").value().to_bytes();
        REQUIRE(one.session.from_client(*kwire::without_length(frame)));
        CHECK(one.session.to_broker == kwire::encode_request<M>(expected, version, 7, "me").value());
        one.session.to_broker.clear();
    };
    using coordinator = kwire::find_coordinator_request;
    renamed.operator()<coordinator>({.key_type = 1, .coordinator_keys = {"tx"}},
                                    {.key_type = 1, .coordinator_keys = {"a.tx"}}, 4);
    CHECK(
        one.answer<kwire::find_coordinator_response>({.coordinators = {{.key = "a.tx", .node_id = -1}}}, 4) ==
        kwire::encode_response(
            kwire::find_coordinator_response::data{.coordinators = {{.key = "tx", .node_id = -1}}}, 4, 7)
            .value()
            .to_bytes());

    renamed.operator()<kwire::metadata_request>({.topics = std::nullopt}, {.topics = std::nullopt}, 12);
    const auto theirs = kwire::uuid::from_halves(1, 2), ours = kwire::uuid::from_halves(3, 4);
    CHECK(one.answer<kwire::metadata_response>({.topics = {{.name = "a.orders", .topic_id = ours},
                                                           {.name = "b.orders", .topic_id = theirs},
                                                           {.name = "__consumer_offsets"}}},
                                               12) ==
          kwire::encode_response(
              kwire::metadata_response::data{.topics = {{.name = "orders", .topic_id = ours}}}, 12, 7)
              .value()
              .to_bytes());
    CHECK(one.all.hidden == 2);

    // The ids of others are known from the answer, and are of no use.
    const auto fetch = [&](const kwire::uuid& id) {
        const auto sent =
            kwire::encode_request<kwire::fetch_request>({.topics = {{.topic_id = id}}}, 13, 8, "me");
        return one.session.from_client(*kwire::without_length(sent->to_bytes()));
    };
    CHECK(fetch(ours).has_value());
    CHECK(fetch(theirs).error() == "asks for a topic of another tenant by its id");
}

TEST_CASE("a regular expression of a tenant matches the tenant's topics only") {
    one_session one("a.");
    const auto sent = kwire::encode_request<kwire::consumer_group_heartbeat_request>(
        {.group_id = "g", .subscribed_topic_regex = "x|y"}, 1, 7, "me");
    REQUIRE(one.session.from_client(*kwire::without_length(sent->to_bytes())));
    CHECK(one.session.to_broker ==
          kwire::encode_request<kwire::consumer_group_heartbeat_request>(
              {.group_id = "a.g", .subscribed_topic_regex = "a\\.(?:x|y)"}, 1, 7, "me")
              .value());
}

TEST_CASE("what is about all tenants is not offered to one") {
    one_session one("a.");
    const auto asked = kwire::encode_request<kwire::describe_acls_request>({}, 2, 7, "me");
    CHECK(one.session.from_client(*kwire::without_length(asked->to_bytes())).error() ==
          "DescribeAcls v2 is not supported");
}

TEST_CASE("a tenant that describes all topics sees its own, and no cursor to those of others") {
    using request = kwire::describe_topic_partitions_request;
    using response = kwire::describe_topic_partitions_response;
    one_session one("b.");
    const auto becomes = [&](const request::data& sent, const request::data& expected) {
        const auto frame = kwire::encode_request<request>(sent, 0, 7, "me").value().to_bytes();
        REQUIRE(one.session.from_client(*kwire::without_length(frame)));
        CHECK(one.session.to_broker == kwire::encode_request<request>(expected, 0, 7, "me").value());
        one.session.to_broker.clear();
    };
    const auto answered = [&](const response::data& sent, const response::data& expected) {
        CHECK(one.answer<response>(sent, 0) == kwire::encode_response(expected, 0, 7).value().to_bytes());
    };
    becomes({}, {.cursor = request::cursor::data{.topic_name = "b.", .partition_index = 0}});
    answered({.topics = {{.name = "b."}, {.name = "b.orders"}, {.name = "c.orders"}},
              .next_cursor = response::cursor::data{.topic_name = "c.sales", .partition_index = 3}},
             {.topics = {{.name = "orders"}}, .next_cursor = std::nullopt});
    becomes({.cursor = request::cursor::data{.topic_name = "orders", .partition_index = 5}},
            {.cursor = request::cursor::data{.topic_name = "b.orders", .partition_index = 5}});
    answered({.topics = {{.name = "b.orders"}},
              .next_cursor = response::cursor::data{.topic_name = "b.sales", .partition_index = 3}},
             {.topics = {{.name = "orders"}},
              .next_cursor = response::cursor::data{.topic_name = "sales", .partition_index = 3}});
    becomes({.topics = {{.name = "x"}, {.name = "y"}}}, {.topics = {{.name = "b.x"}, {.name = "b.y"}}});
    answered({.topics = {{.name = "b.x"}, {.name = "b.y"}}}, {.topics = {{.name = "x"}, {.name = "y"}}});
}

TEST_CASE("values in answers to Fetch and ShareFetch are changed back, and the addresses beside them too") {
    struct halves : proxy::value_filter {
        result to_broker(const kwire::shared_buffer& records) override {
            return kwire::buffer_chain(records);
        }
        result to_client(const kwire::shared_buffer& records) override {
            return kwire::buffer_chain(*records.slice(0, records.size() / 2));
        }
    } filter;
    one_session one;
    one.in.values = &filter;
    const auto records = kwire::shared_buffer::copy_of(std::string(5000, 'r'));
    const auto half = *records.slice(0, 2500);
    const auto check = [&]<class Request, class Response>(auto make) {
        const int version = Response::facts.versions.last;
        one.ask<Request>({}, version);
        CHECK(one.answer<Response>(make(records, hidden), version) ==
              kwire::encode_response(make(half, own), version, 7).value().to_bytes());
    };
    check.operator()<kwire::fetch_request, kwire::fetch_response>([](const auto& bytes, const auto& at) {
        return kwire::fetch_response::data{
            .responses = {{.partitions = {{.partition_index = 3, .records = bytes}, {.partition_index = 4}}}},
            .node_endpoints = {{.node_id = 1, .host = at.host, .port = at.port}}};
    });
    check.operator()<kwire::share_fetch_request, kwire::share_fetch_response>([](const auto& bytes,
                                                                                 const auto& at) {
        return kwire::share_fetch_response::data{
            .responses = {{.partitions = {{.partition_index = 3, .records = bytes}, {.partition_index = 4}}}},
            .node_endpoints = {{.node_id = 1, .host = at.host, .port = at.port}}};
    });
}
