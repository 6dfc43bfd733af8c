#include "session.hpp"

#include <kwire/connect/dispatch.hpp>
#include <kwire/connect/frame.hpp>
#include <kwire/connect/negotiation.hpp>
#include <kwire/error_text.hpp>
#include <kwire/messages/api_versions.hpp>
#include <kwire/write/to_data.hpp>

#include <cstddef>
#include <string_view>
#include <utility>

#include "addresses.hpp"

namespace proxy {

namespace {

/// The versions that this proxy lets clients use: all that kwire can read, but for DescribeQuorum, which
/// tells the addresses of controllers from version 2 on.
constexpr auto spoken = [] {
    auto all = kwire::known_apis;
    all[static_cast<std::size_t>(kwire::api_key::describe_quorum)].versions.last = 1;
    return all;
}();

/// A strict parse would close the connection of clients that Kafka serves.
constexpr auto of_clients = kwire::parse_options::as_kafka();

std::unexpected<std::string> because(const kwire::error& why) {
    return std::unexpected(kwire::to_string(why));
}

/// The only place that writes lengths of frames that are passed on: the frame readers have removed them.
outcome send(kwire::buffer_chain& peer, kwire::buffer_chain frame) {
    auto out = kwire::with_length(std::move(frame));
    if (!out) return because(out.error());
    peer.put(*std::move(out));
    return {};
}

/// Sends what encode_response made; that has its length.
outcome send_encoded(kwire::buffer_chain& peer, std::expected<kwire::buffer_chain, kwire::error> encoded) {
    if (!encoded) return because(encoded.error());
    peer.put(*std::move(encoded));
    return {};
}

/// The error of the frame, or else the outcome that the visitor returned.
outcome flat(std::expected<outcome, kwire::error> done) {
    return done ? *std::move(done) : outcome(because(done.error()));
}

} // namespace

// -- from the client to the broker

outcome session::from_client(kwire::shared_buffer frame) {
    if (pending.is_token(frame.span())) return pass_on(std::move(frame)); // SASL, without a header
    auto request = kwire::parse_request_frame(std::move(frame), of_clients);
    if (!request) return because(request.error());
    // A proxy that looks into some requests dispatches here, as docs/proxy.md does.
    if (kwire::versions_in(spoken, request->api()).contains(request->api_version()))
        return pass_on(std::move(*request).frame());

    // A response of our own must not overtake those of the broker, so it is only for a client that waits for
    // none. Clients begin with ApiVersions, and do.
    const bool waits_for_none = pending.in_flight() == 0 && to_client.empty();
    if (request->api() == kwire::api_key::api_versions && waits_for_none) return answer_itself(*request);
    const std::string_view name = kwire::facts_of(request->api()).name;
    return std::unexpected(
        (name.empty() ? "API " + std::to_string(static_cast<int>(request->api())) : std::string(name)) +
        " v" + std::to_string(request->api_version()) + " is not supported");
}

outcome session::pass_on(kwire::shared_buffer frame) {
    auto noted = pending.sent(frame.span(), clock::now());
    if (!noted) return because(noted.error());
    ++(noted->is_token ? all_.tokens : all_.requests);
    return send(to_broker, std::move(frame));
}

/// The client's version of ApiVersions is newer than this proxy: it gets version 0 and asks again.
outcome session::answer_itself(const kwire::request_frame& asked) {
    const auto answer = kwire::answer_api_versions(asked, spoken);
    if (!answer) return because(answer.error());
    ++all_.requests;
    return send_encoded(to_client,
                        kwire::encode_response(answer->body, answer->version, asked.correlation_id()));
}

// -- from the broker to the client

outcome session::from_broker(kwire::shared_buffer frame) {
    const auto asked = pending.received(frame.span());
    if (!asked) return because(asked.error()); // nothing was asked
    if (!*asked) {                             // a raw SASL token has no header
        ++all_.tokens;
        return send(to_client, std::move(frame));
    }
    if (const auto took = clock::now() - (*asked)->value; took > all_.slowest) {
        all_.slowest = took;
        all_.slowest_request = **asked;
    }
    const auto visitor = kwire::overloaded{
        [&](kwire::message<kwire::api_versions_response> answer) { return answer_versions(answer); },
        [&]<class M>(kwire::message<M> answer) { return redirect(std::move(answer)); },
        [&](kwire::response_frame other) { return send(to_client, std::move(other).frame()); },
    };
    return flat(kwire::dispatch<kwire::api_versions_response, responses_with_addresses>(std::move(frame),
                                                                                        **asked, visitor));
}

/// The client may use the versions that both the broker and this proxy support.
outcome session::answer_versions(const kwire::message<kwire::api_versions_response>& answer) {
    const auto offered = kwire::clamp(answer.view(), spoken);
    return send_encoded(to_client,
                        kwire::encode_response(offered.body, answer.api_version(), answer.correlation_id()));
}

/// The client must not connect to a broker directly.
template <class M>
outcome session::redirect(kwire::message<M> answer) {
    if (!has_addresses(answer.view())) return send(to_client, std::move(answer).frame());
    auto data = kwire::to_data(answer); // its records stay where they are
    replace_addresses(data, own_);
    ++all_.redirected;
    return send_encoded(to_client,
                        kwire::encode_response(data, answer.api_version(), answer.correlation_id()));
}

} // namespace proxy
