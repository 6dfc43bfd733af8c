// The supported APIs and versions, and the responses without records.
#include "broker.hpp"

#include <kwire/connect/negotiation.hpp>

#include <array>
#include <utility>

#include "report.hpp"

namespace echo_broker {

using boost::asio::ip::tcp;

namespace {

constexpr std::int32_t node_id = 1;
constexpr std::string_view cluster_id = "kwire-echo-broker";

/// The supported APIs and versions. Produce before v3 is refused batch by batch, but librdkafka up to 2.11
/// does not compress for brokers that do not advertise v0.
constexpr std::array served{
    kwire::api_range{kwire::api_key::produce, {0, 13}},
    kwire::api_range{kwire::api_key::fetch, {4, 17}},
    kwire::api_range{kwire::api_key::list_offsets, {1, 11}},
    kwire::api_range{kwire::api_key::metadata, {0, 13}},
    kwire::api_range{kwire::api_key::find_coordinator, {0, 6}},
    kwire::api_range{kwire::api_key::sasl_handshake, {0, 1}},
    kwire::api_range{kwire::api_key::api_versions, {0, 4}},
    kwire::api_range{kwire::api_key::init_producer_id, {0, 5}},
};

/// Names an API or a version that is not served, and the client that wants it. Kafka closes the connection
/// too.
reply not_served(const kwire::request_frame& request) {
    const kwire::api_facts facts = kwire::facts_of(request.api());
    std::string why =
        facts.assigned ? std::string(facts.name) : "API " + std::to_string(static_cast<int>(request.api()));
    why += " v" + std::to_string(request.api_version()) + " of client " +
           quoted(request.client_id().value_or("")) + " is not served";
    const kwire::version_range versions = kwire::versions_in(served, request.api());
    if (!versions.empty())
        why += ", only v" + std::to_string(versions.first) + " to v" + std::to_string(versions.last);
    return std::unexpected(std::move(why));
}

} // namespace

boost::asio::awaitable<reply> broker::answer(kwire::request_frame request, tcp::socket& client) {
    ++totals_.requests;
    const bool in_range = kwire::versions_in(served, request.api()).contains(request.api_version());
    if (!in_range && request.api() != kwire::api_key::api_versions) // ApiVersions is answered in any version
        co_return not_served(request);
    switch (request.api()) {
    case kwire::api_key::produce: co_return produce(std::move(request));
    case kwire::api_key::fetch: co_return co_await fetch(std::move(request), client);
    case kwire::api_key::list_offsets: co_return list_offsets(request);
    case kwire::api_key::metadata: co_return metadata(request, client);
    case kwire::api_key::find_coordinator: co_return find_coordinator(request, client);
    case kwire::api_key::init_producer_id: co_return init_producer_id(request);
    case kwire::api_key::sasl_handshake: co_return sasl_handshake(request);
    default: co_return api_versions(request);
    }
}

reply broker::api_versions(const kwire::request_frame& request) const {
    const auto answer = kwire::answer_api_versions(request, served);
    if (!answer) return hang_up(answer.error());
    return write(answer->body, answer->version, request.correlation_id());
}

reply broker::metadata(const kwire::request_frame& request, const tcp::socket& client) {
    const auto asked = read<kwire::metadata_request>(request);
    if (!asked) return hang_up(asked.error());
    const tcp::endpoint here = client.local_endpoint(); // where its client reached this broker

    kwire::metadata_response::data answer;
    answer.brokers.push_back({.node_id = node_id, .host = here.address().to_string(), .port = here.port()});
    answer.cluster_id = cluster_id;
    answer.controller_id = node_id;
    const auto describe = [&](const topic& topic) {
        auto& out = answer.topics.emplace_back();
        out.name = topic.name;
        out.topic_id = topic.id;
        for (std::size_t i = 0; i < topic.partitions.size(); ++i)
            out.partitions.push_back({.partition_index = static_cast<std::int32_t>(i),
                                      .leader_id = node_id,
                                      .leader_epoch = leader_epoch,
                                      .replica_nodes = {node_id},
                                      .isr_nodes = {node_id}});
    };
    const auto refuse = [&](auto asked_topic, error_code why) {
        auto& out = answer.topics.emplace_back();
        out.error_code = why;
        out.topic_id = asked_topic.topic_id();
        out.name = asked_topic.name();
        if (!out.name && request.api_version() < 12) out.name = ""; // null is allowed only from v12 on
    };

    const auto topics = asked->topics();
    const bool all = topics.is_null() || (request.api_version() == 0 && topics.empty());
    if (all)
        for (const auto& [name, topic] : topics_.all()) describe(*topic);
    for (auto wanted : topics) {
        const auto name = wanted.name();
        const topic* found = name ? topics_.find(*name) : topics_.find(wanted.topic_id());
        if (found == nullptr && name && asked->allow_auto_topic_creation()) {
            if (!topic_table::valid_name(*name)) {
                refuse(wanted, error_code::invalid_topic_exception);
                continue;
            }
            found = topics_.create(*name);
            if (found == nullptr) {
                refuse(wanted, error_code::policy_violation);
                continue;
            }
        }
        if (found != nullptr)
            describe(*found);
        else
            refuse(wanted, name ? error_code::unknown_topic_or_partition : error_code::unknown_topic_id);
    }
    return write(answer, request.api_version(), request.correlation_id());
}

reply broker::init_producer_id(const kwire::request_frame& request) {
    const auto asked = read<kwire::init_producer_id_request>(request);
    if (!asked) return hang_up(asked.error());

    kwire::init_producer_id_response::data answer;
    if (asked->transactional_id())
        answer.error_code = error_code::transactional_id_authorization_failed;
    else
        answer.producer_id = next_producer_id_++;
    return write(answer, request.api_version(), request.correlation_id());
}

reply broker::sasl_handshake(const kwire::request_frame& request) const {
    const auto asked = read<kwire::sasl_handshake_request>(request);
    if (!asked) return hang_up(asked.error());
    const kwire::sasl_handshake_response::data answer{.error_code = error_code::illegal_sasl_state};
    return write(answer, request.api_version(), request.correlation_id());
}

} // namespace echo_broker
