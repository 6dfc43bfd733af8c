// What the proxy does with each frame, without I/O: the session of docs/proxy.md.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/connect/correlator.hpp>
#include <kwire/connect/counting_metrics.hpp>
#include <kwire/connect/frame_reader.hpp>
#include <kwire/connect/negotiation.hpp>
#include <kwire/expected.hpp>
#include <kwire/messages/view/api_versions.hpp>
#include <kwire/read/message.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "tenant.hpp"
#include "value_filter.hpp"

namespace proxy {

using clock = std::chrono::steady_clock;

/// Where a client or the proxy connects to.
struct address {
    std::string host;
    std::int32_t port = 0;
    friend bool operator==(const address&, const address&) = default;
};

/// Where one may connect: the first that accepts.
using addresses = std::vector<address>;

/// Nothing, or the reason to close both connections, in words.
using outcome = kwire::expected<void, std::string>;

/// Counters since the start, of all sessions.
struct totals {
    std::uint64_t connections = 0;
    std::uint64_t open = 0; ///< connections now
    std::uint64_t requests = 0;
    std::uint64_t tokens = 0;             ///< raw SASL tokens, of both sides
    std::uint64_t redirected = 0;         ///< addresses of brokers that were replaced
    std::uint64_t renamed = 0;            ///< names that got the tenant's prefix, or lost it
    std::uint64_t unknown = 0;            ///< requests of APIs and versions that kwire does not know
    std::uint64_t hidden = 0;             ///< elements of answers that are not the tenant's
    kwire::request_start slowest_request; ///< of those that were answered
    clock::duration slowest{};
};

/// The ports of the proxy that stand for brokers.
class broker_ports {
public:
    virtual ~broker_ports() = default;
    /// Where clients reach broker number `node`, which really is at `real`. A negative number is of no
    /// broker in particular.
    virtual std::int32_t port_of(std::int64_t node, const address& real) = 0;
};

/// The versions that clients may use: all that kwire can read, but for DescribeQuorum, which tells the
/// addresses of controllers from version 2 on, and for APIs that the tenant may not use.
using version_table = std::remove_const_t<decltype(kwire::known_apis)>;
[[nodiscard]] version_table versions_for(const tenant& names);

/// What all sessions have in common. Outlives them.
struct surroundings {
    broker_ports& brokers;
    const tenant& names;
    kwire::topic_directory& topics; ///< of the brokers, with the names that they have there
    totals& all;
    version_table spoken = versions_for(names);
    kwire::counting_metrics* counted = nullptr; ///< counts requests and answers, if there is a page for them
    value_filter* values = nullptr;             ///< changes the values of records, if there is one
    /// Requests of APIs and versions that kwire does not know pass as they are, and so do their answers.
    bool passes_unknown = false;
    bool verbose = false; ///< a line on stderr for each request that was answered
};

/// One connection of a client, and the connection to the broker that serves it.
///
/// Give it each frame that `client_stream` and `broker_stream` read, then write what it put into `to_broker`
/// and `to_client` and empty them: at most one frame each time. Take none of the client's while
/// `pending.full()`.
struct session {
    /// Clients find all brokers at the host `own`, which outlives the session.
    session(const std::string& own, surroundings& in) : own_(own), in_(in) {}

    /// A request that waits for its response.
    struct asked {
        clock::time_point at{}; ///< when it was passed on
        std::size_t bytes = 0;
        std::optional<std::int8_t> key_type; ///< of FindCoordinator
        std::string client;                  ///< only for lines about it
    };
    kwire::correlator<asked> pending{{.parse = kwire::parse_options::as_kafka()}};
    kwire::request_reader client_stream;
    kwire::response_reader broker_stream{pending};
    kwire::buffer_chain to_broker, to_client; ///< with their lengths

    outcome from_client(kwire::shared_buffer frame);
    outcome from_broker(kwire::shared_buffer frame);

private:
    outcome pass_on(kwire::shared_buffer frame, asked noted);
    outcome note_and_send(const kwire::shared_buffer& frame, kwire::buffer_chain changed, asked noted);
    outcome pass_request(kwire::request_frame request);
    void tell(const kwire::request_start& request, const asked& of, std::size_t bytes,
              clock::duration took) const;
    outcome answer_itself(const kwire::request_frame& request);
    outcome answer_versions(const kwire::message<kwire::api_versions_response>& answer);
    template <class Message, class Partition>
    outcome filter(kwire::splice& edits, const Message& whole, const Partition& partition,
                   value_filter::result (value_filter::*change)(const kwire::shared_buffer&));
    kwire::expected<kwire::buffer_chain, std::string> for_broker(const kwire::request_frame& request);
    outcome pass_response(const kwire::response_frame& answer, const asked& of);
    template <class Message>
    kwire::expected<kwire::buffer_chain, std::string> with_values(const kwire::response_frame& answer);
    kwire::expected<kwire::buffer_chain, std::string> for_client(const kwire::response_frame& answer,
                                                                 const asked& of);
    void show(kwire::named_field& field);

    const std::string& own_;
    surroundings& in_;
    std::uint64_t filtered_ = 0; ///< bytes of records that were made for the message that is changed
};

} // namespace proxy
