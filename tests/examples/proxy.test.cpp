// The session of examples/proxy, without sockets; tests/interop/proxy has real clients and sockets.
#include <kwire/messages/describe_quorum.hpp>
#include <kwire/messages/sasl_handshake.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "catch.hpp"
#include "examples/proxy/session.cpp"

namespace {

const proxy::address hidden{.host = "broker-1.hidden.example", .port = 9092};
const proxy::address own{.host = "proxy", .port = 19092};

struct one_session {
    proxy::totals all;
    proxy::session session{own, all};

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
        CHECK(one.all.redirected == 1);
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
