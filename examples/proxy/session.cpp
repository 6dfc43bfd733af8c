#include "session.hpp"

#include <kwire/connect/frame.hpp>
#include <kwire/connect/learn_topics.hpp>
#include <kwire/connect/negotiation.hpp>
#include <kwire/connect/rewrite.hpp>
#include <kwire/error_text.hpp>
#include <kwire/messages/api_versions.hpp>
#include <kwire/messages/describe_topic_partitions.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/messages/share_fetch.hpp>
#include <kwire/messages/view/find_coordinator.hpp>
#include <kwire/write/splice.hpp>

#include <cstddef>
#include <cstdio>
#include <string_view>
#include <utility>

namespace proxy {

namespace {

/// A strict parse would close the connection of clients that Kafka serves.
constexpr auto of_clients = kwire::parse_options::as_kafka();

constexpr std::uint64_t length_size = 4; ///< of a frame's length, which is counted with it

kwire::unexpected<std::string> because(const kwire::error& why) {
    return kwire::unexpected(kwire::to_string(why));
}

/// The only place that writes lengths of frames that are passed on: the frame readers have removed them.
outcome send(kwire::buffer_chain& peer, kwire::buffer_chain frame) {
    auto out = kwire::with_length(std::move(frame));
    if (!out) return because(out.error());
    peer.put(*std::move(out));
    return {};
}

/// Sends what encode_response made; that has its length.
outcome send_encoded(kwire::buffer_chain& peer, kwire::expected<kwire::buffer_chain, kwire::error> encoded) {
    if (!encoded) return because(encoded.error());
    peer.put(*std::move(encoded));
    return {};
}

/// Whether messages of this kind can have fields with one of these meanings.
bool can_have(const kwire::message_info* message, kwire::entity_set some) {
    return message != nullptr && message->structure->meanings.intersects(some);
}

/// Whether kwire can read messages of this API in this version.
bool is_known(kwire::api_key api, std::int16_t version) {
    return kwire::versions_in(kwire::known_apis, api).contains(version);
}

/// "Fetch v11", "API 200 v0".
std::string name_of(const kwire::request_start& request) {
    const std::string_view name = kwire::facts_of(request.api).name;
    return (name.empty() ? "API " + std::to_string(static_cast<int>(request.api)) : std::string(name)) +
           " v" + std::to_string(request.api_version);
}

/// Fields that mean one of a tenant's names only if another field says so.
constexpr kwire::entity_set decided_names{kwire::entity::config_resource, kwire::entity::coordinator_key,
                                          kwire::entity::subscription, kwire::entity::assignment};

} // namespace

version_table versions_for(const tenant& names) {
    version_table all = kwire::known_apis;
    all[static_cast<std::size_t>(kwire::api_key::describe_quorum)].versions.last = 1;
    for (kwire::api_range& one : all)
        if (!names.offers(one.api)) one.versions = {};
    return all;
}

/// Sets the records of a partition to what the filter makes of them.
template <class Message, class Partition>
outcome session::filter(kwire::splice& edits, const Message& whole, const Partition& partition,
                        value_filter::result (value_filter::*change)(const kwire::shared_buffer&)) {
    const auto records = partition.records();
    if (!records || records->empty()) return {};
    const auto slice = whole.slice(*records);
    if (!slice) return kwire::unexpected("records outside of their frame");
    auto changed = (in_.values->*change)(*slice);
    if (!changed) return kwire::unexpected(std::move(changed).error());
    constexpr std::uint64_t most = std::uint64_t{256} << 20; // of a frame, which has 100 MiB at most
    if ((filtered_ += changed->size()) > most) return kwire::unexpected("records that become too large");
    kwire::set<"records">(edits, partition, kwire::payload(*std::move(changed)));
    return {};
}

// -- from the client to the broker

outcome session::from_client(kwire::shared_buffer frame) {
    if (pending.is_token(frame.span())) return pass_on(std::move(frame), {}); // SASL, without a header
    // The header of an unknown API or version may be unknown too, but for its first eight bytes.
    const auto start = kwire::peek_request(frame.span());
    if (!start) return because(start.error());
    if (in_.passes_unknown && !is_known(start->api, start->api_version) &&
        start->api != kwire::api_key::api_versions) {
        ++in_.all.unknown;
        return pass_on(std::move(frame), {});
    }
    auto request = kwire::parse_request_frame(std::move(frame), of_clients);
    if (!request) return because(request.error());
    if (kwire::versions_in(in_.spoken, request->api()).contains(request->api_version()))
        return pass_request(*std::move(request));

    // A response of our own must not overtake those of the broker, so it is only for a client that waits for
    // none. Clients begin with ApiVersions, and do.
    const bool waits_for_none = pending.in_flight() == 0 && to_client.empty();
    if (request->api() == kwire::api_key::api_versions && waits_for_none) return answer_itself(*request);
    return kwire::unexpected(name_of(*start) + " is not supported");
}

outcome session::pass_request(kwire::request_frame request) {
    asked noted;
    if (request.api() == kwire::api_key::find_coordinator) {
        const auto body = kwire::parse<kwire::find_coordinator_request>(request, of_clients);
        if (!body) return because(body.error());
        noted.key_type = body->key_type();
    }
    if (in_.verbose) {
        noted.client = request.client_id().value_or("null");
        for (char& c : noted.client) // it could write lines of its own
            if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    }

    const bool has_values = in_.values != nullptr && request.api() == kwire::api_key::produce;
    if (!has_values && (!in_.names.renames() ||
                        !can_have(kwire::find_request(request.api()), in_.names.names() | decided_names)))
        return pass_on(std::move(request).frame(), std::move(noted));
    auto changed = for_broker(request);
    if (!changed) return kwire::unexpected(std::move(changed).error());
    return note_and_send(request.frame(), *std::move(changed), std::move(noted));
}

/// The request with the names that the brokers know, and with the values that they are to store.
kwire::expected<kwire::buffer_chain, std::string> session::for_broker(const kwire::request_frame& request) {
    bool foreign = false;
    const auto rename = [&](kwire::named_field& field) {
        if (field.meaning() == kwire::entity::topic_id)
            foreign = foreign || in_.names.is_foreign(in_.topics, field.id());
        else
            in_.names.to_broker(field), ++in_.all.renamed;
    };
    kwire::expected<kwire::buffer_chain, kwire::error> changed;
    if (in_.values != nullptr && request.api() == kwire::api_key::produce) {
        const auto produce = kwire::parse<kwire::produce_request>(request, of_clients);
        if (!produce) return because(produce.error());
        kwire::splice edits(*produce);
        filtered_ = 0;
        for (const auto topic : produce->topic_data())
            for (const auto partition : topic.partition_data())
                if (auto done = filter(edits, *produce, partition, &value_filter::to_broker); !done)
                    return kwire::unexpected(std::move(done).error());
        kwire::rewrite(edits, *produce, in_.names.names(), rename);
        changed = edits.apply();
    } else if (request.api() == kwire::api_key::describe_topic_partitions) {
        const auto list = kwire::parse<kwire::describe_topic_partitions_request>(request, of_clients);
        if (!list) return because(list.error());
        kwire::splice edits(*list);
        // All topics, in the order of their names: those of the tenant begin where its prefix would be.
        if (list->topics().empty() && (!list->cursor() || list->cursor()->topic_name().empty()))
            kwire::set<"cursor">(edits, **list, in_.names.first_topic());
        kwire::rewrite(edits, *list, in_.names.names(), rename);
        changed = edits.apply();
    } else {
        changed = kwire::rewrite(request, in_.names.names(), rename, {.parse = of_clients});
    }
    if (!changed) return because(changed.error());
    if (foreign) return kwire::unexpected("asks for a topic of another tenant by its id");
    return *std::move(changed);
}

outcome session::pass_on(kwire::shared_buffer frame, asked noted) {
    return note_and_send(frame, frame, std::move(noted));
}

/// Sends `changed` for what the client sent.
outcome session::note_and_send(const kwire::shared_buffer& frame, kwire::buffer_chain changed, asked noted) {
    noted.at = clock::now();
    noted.bytes = changed.size();
    const auto sent = pending.sent(frame.span(), std::move(noted));
    if (!sent) return because(sent.error());
    ++(sent->is_token ? in_.all.tokens : in_.all.requests);
    if (in_.counted != nullptr && !sent->is_token)
        if (const auto start = kwire::peek_request(frame.span()))
            in_.counted->requested({start->api, start->api_version, length_size + frame.size()});
    return send(to_broker, std::move(changed));
}

/// The client's version of ApiVersions is newer than this proxy: it gets version 0 and asks again.
outcome session::answer_itself(const kwire::request_frame& request) {
    const auto answer = kwire::answer_api_versions(request, in_.spoken);
    if (!answer) return because(answer.error());
    ++in_.all.requests;
    return send_encoded(to_client,
                        kwire::encode_response(answer->body, answer->version, request.correlation_id()));
}

// -- from the broker to the client

outcome session::from_broker(kwire::shared_buffer frame) {
    const auto request = pending.received(frame.span());
    if (!request) return because(request.error()); // nothing was asked
    if (!*request) {                               // a raw SASL token has no header
        ++in_.all.tokens;
        return send(to_client, std::move(frame));
    }
    const kwire::request_start& start = **request;
    const asked& noted = (*request)->value;
    const auto took = clock::now() - noted.at;
    if (took > in_.all.slowest) {
        in_.all.slowest = took;
        in_.all.slowest_request = start;
    }
    const std::size_t bytes = frame.size();
    if (in_.counted != nullptr)
        in_.counted->answered({{start.api, start.api_version, noted.bytes}, length_size + bytes, took});
    if (!is_known(start.api, start.api_version) && start.api != kwire::api_key::api_versions) {
        tell(start, noted, bytes, took);
        return send(to_client, std::move(frame));
    }
    const auto answer = kwire::parse_response_frame(std::move(frame), start.api, start.api_version);
    if (!answer) return because(answer.error());
    auto done = pass_response(*answer, noted);
    if (done) tell(start, noted, bytes, took);
    return done;
}

/// The line of --verbose.
void session::tell(const kwire::request_start& request, const asked& of, std::size_t bytes,
                   clock::duration took) const {
    if (!in_.verbose) return;
    std::fprintf(stderr, "%s of %s: %zu bytes, answered with %zu in %lld us\n", name_of(request).c_str(),
                 of.client.empty() ? "a client" : of.client.c_str(), of.bytes, bytes,
                 static_cast<long long>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
}

outcome session::pass_response(const kwire::response_frame& answer, const asked& of) {
    if (answer.api() == kwire::api_key::api_versions) {
        const auto versions = kwire::parse<kwire::api_versions_response>(answer);
        if (!versions) return because(versions.error());
        return answer_versions(*versions);
    }
    if (in_.names.renames())
        if (const auto learned = kwire::learn_topics(in_.topics, answer); !learned)
            return because(learned.error());

    const kwire::entity_set wanted = in_.names.names() | kwire::entity::host;
    const bool has_values = in_.values != nullptr && (answer.api() == kwire::api_key::fetch ||
                                                      answer.api() == kwire::api_key::share_fetch);
    if (!has_values &&
        !can_have(kwire::find_response(answer.api()), in_.names.renames() ? wanted | decided_names : wanted))
        return send(to_client, answer.frame());
    auto shown = for_client(answer, of);
    if (!shown) return kwire::unexpected(std::move(shown).error());
    return send(to_client, *std::move(shown));
}

/// A response with records: their values are those that clients sent.
template <class Message>
kwire::expected<kwire::buffer_chain, std::string> session::with_values(const kwire::response_frame& answer) {
    const auto fetched = kwire::parse<Message>(answer);
    if (!fetched) return because(fetched.error());
    kwire::splice edits(*fetched);
    filtered_ = 0;
    for (const auto topic : fetched->responses())
        for (const auto partition : topic.partitions())
            if (auto done = filter(edits, *fetched, partition, &value_filter::to_client); !done)
                return kwire::unexpected(std::move(done).error());
    kwire::rewrite(edits, *fetched, in_.names.names() | kwire::entity::host,
                   [this](kwire::named_field& field) { show(field); });
    auto shown = edits.apply();
    if (!shown) return because(shown.error());
    return *std::move(shown);
}

/// The response with the proxy's addresses, the tenant's names, and the values that clients sent.
kwire::expected<kwire::buffer_chain, std::string> session::for_client(const kwire::response_frame& answer,
                                                                      const asked& of) {
    const kwire::entity_set wanted = in_.names.names() | kwire::entity::host;
    const auto change = [this](kwire::named_field& field) { show(field); };
    kwire::expected<kwire::buffer_chain, kwire::error> shown;
    if (in_.values != nullptr && answer.api() == kwire::api_key::fetch)
        return with_values<kwire::fetch_response>(answer);
    if (in_.values != nullptr && answer.api() == kwire::api_key::share_fetch)
        return with_values<kwire::share_fetch_response>(answer);
    if (in_.names.renames() && answer.api() == kwire::api_key::describe_topic_partitions) {
        const auto described = kwire::parse<kwire::describe_topic_partitions_response>(answer);
        if (!described) return because(described.error());
        kwire::splice edits(*described);
        kwire::rewrite(edits, *described, wanted, change);
        // What follows is of others: then these were all.
        if (const auto next = described->next_cursor(); next && !in_.names.has(next->topic_name()))
            kwire::set<"next_cursor">(edits, **described, std::nullopt);
        shown = edits.apply();
    } else {
        shown = kwire::rewrite(answer, wanted, change, {.coordinator_key_type = of.key_type});
    }
    if (!shown) return because(shown.error());
    return *std::move(shown);
}

/// The client must not connect to a broker directly, nor see what belongs to others.
void session::show(kwire::named_field& field) {
    if (field.meaning() == kwire::entity::host) {
        if (field.text().empty()) return; // no coordinator was found
        const address real{std::string(field.text()), static_cast<std::int32_t>(field.port())};
        field.set_address(own_,
                          in_.brokers.port_of(field.number_of(kwire::entity::broker_id).value_or(-1), real));
        ++in_.all.redirected;
    } else if (in_.names.to_client(field)) {
        if (field.meaning() != kwire::entity::topic_id) ++in_.all.renamed;
    } else {
        field.drop();
        ++in_.all.hidden;
    }
}

/// The client may use the versions that both the broker and this proxy support.
outcome session::answer_versions(const kwire::message<kwire::api_versions_response>& answer) {
    auto offered = kwire::clamp(answer.view(), in_.spoken);
    if (in_.passes_unknown)
        for (const auto one : answer->api_keys())
            if (!kwire::facts_of(one.api_key()).assigned)
                offered.body.api_keys.push_back(kwire::copy_to_data(one));
    return send_encoded(to_client,
                        kwire::encode_response(offered.body, answer.api_version(), answer.correlation_id()));
}

} // namespace proxy
