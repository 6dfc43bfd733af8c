// FindCoordinator: there are no groups and no transactions, and every client must come to know it at once.
#include <string>
#include <string_view>
#include <utility>

#include "broker.hpp"
#include "report.hpp"

namespace echo_broker {

namespace {

/// A kind of coordinator (the key type of the request), and the refusal.
struct refusal {
    std::string_view kind;
    error_code code;
    std::string_view why;
};

/// The codes are those of a missing authorization: clients report them to their user within seconds. After
/// COORDINATOR_NOT_AVAILABLE, which sounds better, they ask again for ever and say nothing.
refusal refusal_of(std::int8_t kind) {
    switch (kind) {
    case 0:
        return {"a consumer group", error_code::group_authorization_failed,
                "this broker has no consumer groups"};
    case 1:
        return {"a transactional producer", error_code::transactional_id_authorization_failed,
                "this broker has no transactions"};
    case 2:
        return {"a share group", error_code::group_authorization_failed, "this broker has no share groups"};
    default: return {"an unknown kind", error_code::invalid_request, "unknown kind of coordinator"};
    }
}

} // namespace

reply broker::find_coordinator(const kwire::request_frame& request,
                               const boost::asio::ip::tcp::socket& client) {
    const auto asked = read<kwire::find_coordinator_request>(request);
    if (!asked) return hang_up(asked.error());
    const refusal no = refusal_of(asked->key_type());

    const std::string name = quoted(request.client_id().value_or(""));
    constexpr std::size_t most_names = 1000; // a client may have a new name for every request
    if (told_.size() < most_names && told_.emplace(name, asked->key_type()).second) {
        boost::system::error_code ignored;
        report(client.remote_endpoint(ignored), "client " + name + " wants the coordinator of " +
                                                    std::string(no.kind) + ": " + std::string(no.why));
    }

    kwire::find_coordinator_response::data answer;
    if (request.api_version() < 4) {
        answer.error_code = no.code;
        answer.error_message = no.why;
        answer.node_id = -1;
        answer.port = -1;
    }
    for (const std::string_view key : asked->coordinator_keys())
        answer.coordinators.push_back({.key = std::string(key),
                                       .node_id = -1,
                                       .port = -1,
                                       .error_code = no.code,
                                       .error_message = std::string(no.why)});
    return write(answer, request.api_version(), request.correlation_id());
}

} // namespace echo_broker
