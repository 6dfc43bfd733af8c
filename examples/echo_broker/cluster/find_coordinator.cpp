// FindCoordinator: this broker coordinates all groups and all transactions.
#include <kwire/messages/find_coordinator.hpp>

#include <set>
#include <string>
#include <string_view>

#include "echo_broker/broker.hpp"
#include "echo_broker/cluster/handlers.hpp"

namespace echo_broker {

namespace {

/// Why no key of this type has a coordinator; no error for the two types that have.
struct refusal {
    error_code code = error_code::none;
    std::string_view why;
};

/// Share groups are refused with the code of a missing authorization: clients report it to their user within
/// seconds. After COORDINATOR_NOT_AVAILABLE, which sounds better, they ask again for ever and say nothing.
refusal refusal_of(std::int8_t key_type) {
    switch (key_type) {
    case 0: // a group
    case 1: // a transactional id
        return {};
    case 2: return {error_code::group_authorization_failed, "this broker has no share groups"};
    default: return {error_code::invalid_request, "unknown type of coordinator"};
    }
}

} // namespace

kwire::find_coordinator_response::data
find_coordinator(broker& here, const kwire::message<kwire::find_coordinator_request>& asked, client& from) {
    const refusal no = refusal_of(asked->key_type());
    const address reached = here.advertised(from);

    kwire::find_coordinator_response::data answer;
    const auto fill = [&](auto& one) {
        const bool found = no.code == error_code::none;
        one.error_code = no.code;
        if (!found) one.error_message = no.why;
        one.node_id = found ? node_id : -1;
        if (found) one.host = reached.host;
        one.port = found ? reached.port : -1;
    };
    if (asked.api_version() < 4) fill(answer);
    std::set<std::string_view> answered; // each once: a request has room for millions of empty ones
    for (const std::string_view key : asked->coordinator_keys()) {
        if (!answered.insert(key).second) continue;
        fill(answer.coordinators.emplace_back());
        answer.coordinators.back().key = key;
    }
    return answer;
}

} // namespace echo_broker
