#include "echo_broker/network/sasl.hpp"

#include <kwire/error_code.hpp>
#include <kwire/error_text.hpp>
#include <kwire/messages/api_versions.hpp>
#include <kwire/messages/sasl_authenticate.hpp>
#include <kwire/messages/sasl_handshake.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/wire/text.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

#include "echo_broker/broker.hpp"
#include "echo_broker/cluster/handlers.hpp"
#include "echo_broker/observe/request_line.hpp"
#include "echo_broker/report.hpp"

namespace echo_broker {

namespace {

using namespace std::chrono_literals;
using then = sasl_step::next;

constexpr std::string_view plain = "PLAIN";
constexpr auto failure_delay = 100ms; // as Kafka's connection.failed.authentication.delay.ms

sasl_step closed(std::string why) { return {.then = then::close, .why = std::move(why)}; }

/// Takes as long for any two texts of these lengths.
bool equal(std::string_view a, std::string_view b) {
    bool same = a.size() == b.size();
    for (std::size_t i = 0; i < b.size(); ++i)
        same = static_cast<int>(same) & static_cast<int>((a.empty() ? '\0' : a[i % a.size()]) == b[i]);
    return same;
}

} // namespace

sasl_step sasl_exchange::take(kwire::shared_buffer frame) {
    if (state_ == state::token) {
        if (here_.dump) here_.dump->request(from_.connection, frame.span());
        return take_token(frame.span());
    }
    const auto request = kwire::parse_request_frame(std::move(frame), kwire::parse_options::as_kafka());
    if (!request) return closed(kwire::to_string(request.error()));
    ++here_.done.requests;
    return take_request(*request);
}

sasl_step sasl_exchange::take_request(const kwire::request_frame& request) {
    const open_request kept = open(here_, request, from_);
    switch (request.api()) {
    case kwire::api_key::api_versions:
        if (state_ == state::no_mechanism) return api_versions(request, kept);
        break;
    case kwire::api_key::sasl_handshake: return handshake(request, kept);
    case kwire::api_key::sasl_authenticate: return authenticate(request, kept);
    default: break;
    }
    return closed(request_name(request) + " came before the client had authenticated");
}

sasl_step sasl_exchange::api_versions(const kwire::request_frame& request, const open_request& kept) {
    const auto response = answer_api_versions(request);
    if (!response) return closed(kwire::to_string(response.error()));
    return answer<kwire::api_versions_response>(kept, response->version, response->body);
}

sasl_step sasl_exchange::handshake(const kwire::request_frame& request, const open_request& kept) {
    const auto asked = kwire::parse<kwire::sasl_handshake_request>(request, kwire::parse_options::as_kafka());
    if (!asked) return closed(kwire::to_string(asked.error()));

    kwire::sasl_handshake_response::data response;
    response.mechanisms.emplace_back(plain);
    std::string why;
    if (state_ != state::no_mechanism) {
        response.error_code = error_code::illegal_sasl_state;
        why = "a second SaslHandshake";
    } else if (asked->mechanism() != plain) {
        response.error_code = error_code::unsupported_sasl_mechanism;
        why = "SASL mechanism " + in_quotes(asked->mechanism()) + " is not served, only PLAIN";
    }
    sasl_step out = answer<kwire::sasl_handshake_response>(kept, kept.version, response);
    if (!why.empty()) {
        out.then = then::close;
        out.why = std::move(why);
    }
    state_ = kept.version == 0 ? state::token : state::request;
    return out;
}

sasl_step sasl_exchange::authenticate(const kwire::request_frame& request, const open_request& kept) {
    const auto asked =
        kwire::parse<kwire::sasl_authenticate_request>(request, kwire::parse_options::as_kafka());
    if (!asked) return closed(kwire::to_string(asked.error()));

    kwire::sasl_authenticate_response::data response;
    std::string why;
    bool wrong = false;
    if (state_ != state::request) {
        response.error_code = error_code::illegal_sasl_state;
        response.error_message = "SaslHandshake comes first";
        why = "SaslAuthenticate without a SaslHandshake";
    } else if (!is_a_user(asked->auth_bytes(), why)) {
        response.error_code = error_code::sasl_authentication_failed;
        response.error_message = "Authentication failed: unknown user or wrong password";
        wrong = true;
    } else {
        response.error_message = std::nullopt;
    }
    sasl_step out = answer<kwire::sasl_authenticate_response>(kept, kept.version, response);
    if (out.then == then::close) return out;
    out.then = response.error_code == error_code::none ? then::serve : then::close;
    out.why = std::move(why);
    if (wrong) out.delay = failure_delay;
    return out;
}

/// A token has no error code: Kafka closes the connection too.
sasl_step sasl_exchange::take_token(std::span<const std::byte> token) {
    std::string why;
    if (!is_a_user(token, why)) return {.then = then::close, .delay = failure_delay, .why = std::move(why)};
    sasl_step out{.then = then::serve};
    out.answer.put_u32(0); // an empty token
    if (here_.dump) here_.dump->answer(from_.connection, out.answer);
    return out;
}

bool sasl_exchange::is_a_user(std::span<const std::byte> token, std::string& why) const {
    // PLAIN: whom to act as (nothing, or the same), NUL, name, NUL, password.
    const std::string_view all = kwire::text_of(token);
    const auto first = all.find('\0');
    const auto second = first == all.npos ? all.npos : all.find('\0', first + 1);
    if (second == all.npos) {
        why = "authentication failed: not a token of PLAIN";
        return false;
    }
    const std::string_view acts_as = all.substr(0, first);
    const std::string_view name = all.substr(first + 1, second - first - 1);
    const std::string_view password = all.substr(second + 1);
    bool found = false;
    for (const user& one : here_.chosen.users)
        if (equal(name, one.name) && equal(password, one.password)) found = true;
    if (found && !acts_as.empty() && acts_as != name) {
        why = "authentication failed: user " + in_quotes(name) + " wants to act as " + in_quotes(acts_as);
        return false;
    }
    if (!found) why = "authentication failed: unknown user " + in_quotes(name) + ", or wrong password";
    return found;
}

template <class Response>
sasl_step sasl_exchange::answer(const open_request& kept, std::int16_t version,
                                const typename Response::data& response) {
    auto frame = kwire::encode_response<Response>(response, version, kept.correlation_id);
    if (!frame) return closed(kwire::to_string(frame.error()));
    show(here_, kept, kwire::message_info_of<Response>, version, *frame);
    return {.answer = *std::move(frame)};
}

} // namespace echo_broker
