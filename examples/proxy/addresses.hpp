// The responses that tell clients where brokers are (the table of docs/proxy.md), and the addresses in them.
#pragma once

#include <kwire/messages/describe_cluster.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/find_coordinator.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/messages/share_acknowledge.hpp>
#include <kwire/messages/share_fetch.hpp>

#include "session.hpp"

namespace proxy {

/// All that a broker sends to clients. DescribeQuorum, which tells administrators about the controllers, is
/// offered only in versions without addresses: `spoken` in session.cpp.
using responses_with_addresses =
    kwire::message_list<kwire::metadata_response, kwire::find_coordinator_response,
                        kwire::describe_cluster_response, kwire::produce_response, kwire::fetch_response,
                        kwire::share_fetch_response, kwire::share_acknowledge_response>;

/// Whether this response has an address. Those to Produce and Fetch have one only after a change of leader,
/// so most of them can be passed on as they came.
template <class View>
bool has_addresses(const View& response) {
    if constexpr (requires { response.node_endpoints(); })
        return !response.node_endpoints().empty();
    else
        return true;
}

/// Replaces every address by `own`.
template <class Data>
void replace_addresses(Data& response, const address& own) {
    const auto replace = [&own](auto& broker) {
        if (broker.host.empty()) return; // no coordinator was found
        broker.host = own.host;
        broker.port = own.port;
    };
    const auto replace_all = [&](auto& brokers) {
        for (auto& broker : brokers) replace(broker);
    };
    if constexpr (requires { response.host; }) replace(response); // FindCoordinator up to version 3
    if constexpr (requires { response.coordinators; }) replace_all(response.coordinators);
    if constexpr (requires { response.brokers; }) replace_all(response.brokers);
    if constexpr (requires { response.node_endpoints; }) replace_all(response.node_endpoints);
}

} // namespace proxy
