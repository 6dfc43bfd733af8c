// DescribeCluster: this broker is all of it.
#include <kwire/messages/describe_cluster.hpp>

#include "echo_broker/broker.hpp"
#include "echo_broker/cluster/authorized_operations.hpp"
#include "echo_broker/cluster/handlers.hpp"

namespace echo_broker {

kwire::describe_cluster_response::data
describe_cluster(broker& here, const kwire::message<kwire::describe_cluster_request>& asked, client& from) {
    constexpr std::int8_t brokers = 1, controllers = 2;
    kwire::describe_cluster_response::data answer;
    if (const std::int8_t type = asked->endpoint_type(); type != brokers) { // KIP-919
        answer.error_code = type == controllers ? error_code::mismatched_endpoint_type
                                                : error_code::unsupported_endpoint_type;
        answer.error_message =
            type == controllers ? "this is a broker, not a controller" : "unknown type of endpoint";
        return answer;
    }
    const address reached = here.advertised(from);
    answer.cluster_id = cluster_id;
    answer.controller_id = node_id;
    answer.brokers.push_back({.broker_id = node_id, .host = reached.host, .port = reached.port});
    if (asked->include_cluster_authorized_operations())
        answer.cluster_authorized_operations = cluster_operations;
    return answer;
}

} // namespace echo_broker
