// What the proxy does with each frame, without I/O: the session of docs/proxy.md.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/connect/correlator.hpp>
#include <kwire/connect/frame_reader.hpp>
#include <kwire/messages/view/api_versions.hpp>
#include <kwire/read/message.hpp>

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>

namespace proxy {

using clock = std::chrono::steady_clock;

/// Where a client connects to.
struct address {
    std::string host;
    std::int32_t port = 0;
};

/// Nothing, or the reason to close both connections, in words.
using outcome = std::expected<void, std::string>;

/// Counters since the start, of all sessions.
struct totals {
    std::uint64_t connections = 0;
    std::uint64_t requests = 0;
    std::uint64_t tokens = 0;             ///< raw SASL tokens, of both sides
    std::uint64_t redirected = 0;         ///< responses in which addresses were replaced
    kwire::request_start slowest_request; ///< of those that were answered
    clock::duration slowest{};
};

/// One connection of a client, and the connection to the broker that serves it.
///
/// Give it each frame that `client_stream` and `broker_stream` read, then write what it put into `to_broker`
/// and `to_client` and empty them: at most one frame each time. Take none of the client's while
/// `pending.full()`.
struct session {
    /// Clients find brokers at `own`; both references outlive the session.
    session(const address& own, totals& all) : own_(own), all_(all) {}

    /// Requests that wait for their responses, each with the time at which it was passed on.
    kwire::correlator<clock::time_point> pending{{.parse = kwire::parse_options::as_kafka()}};
    kwire::request_reader client_stream;
    kwire::response_reader broker_stream{pending};
    kwire::buffer_chain to_broker, to_client; ///< with their lengths

    outcome from_client(kwire::shared_buffer frame);
    outcome from_broker(kwire::shared_buffer frame);

private:
    outcome pass_on(kwire::shared_buffer frame);
    outcome answer_itself(const kwire::request_frame& asked);
    outcome answer_versions(const kwire::message<kwire::api_versions_response>& answer);
    template <class M>
    outcome redirect(kwire::message<M> answer);

    const address& own_;
    totals& all_;
};

} // namespace proxy
