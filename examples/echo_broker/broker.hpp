// All state of the broker, and the way of a request to the function that answers it.
#pragma once

#include <kwire/asio/responder.hpp>
#include <kwire/asio/serve_options.hpp>
#include <kwire/connect/counting_metrics.hpp>
#include <kwire/connect/frame.hpp>
#include <kwire/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "echo_broker/client.hpp"
#include "echo_broker/groups/classic_groups.hpp"
#include "echo_broker/groups/committed_offsets.hpp"
#include "echo_broker/groups/consumer_groups.hpp"
#include "echo_broker/log/codecs.hpp"
#include "echo_broker/log/partition_log.hpp"
#include "echo_broker/log/producers.hpp"
#include "echo_broker/log/storage.hpp"
#include "echo_broker/network/address.hpp"
#include "echo_broker/observe/frame_dump.hpp"
#include "echo_broker/options.hpp"
#include "echo_broker/service.hpp"
#include "echo_broker/timers.hpp"
#include "echo_broker/topics/topics.hpp"
#include "echo_broker/transactions/transaction_table.hpp"

namespace echo_broker {

using kwire::error_code;

inline constexpr std::int32_t node_id = 1; ///< this broker's, the only one of its cluster
inline constexpr std::string_view cluster_id = "kwire-echo-broker";

/// Counters since the start.
struct totals {
    std::uint64_t requests = 0;
    std::uint64_t batches = 0;           ///< appended
    std::uint64_t bytes_in = 0;          ///< of these batches
    std::uint64_t bytes_out = 0;         ///< of batches in Fetch responses
    std::uint64_t copied_to_free = 0;    ///< bytes of batches that did not keep their frames
    std::uint64_t reads = 0, writes = 0; ///< of connections that have ended
};

/// All state of the broker, for one thread. Each part has a file of its own; the handlers, which services.cpp
/// lists, work on them. Responses share bytes with the log and may outlive the broker.
class broker {
public:
    /// Throws std::runtime_error if a file that the options name cannot be used.
    explicit broker(const options& chosen);
    broker(const broker&) = delete;
    broker& operator=(const broker&) = delete;
    ~broker();

    /// Answers one request, at once or later.
    void answer(kwire::request_frame request, client& from, kwire::responder to);
    /// The address that a client should use: the one that its listener advertises, or the one that it has
    /// used.
    [[nodiscard]] address advertised(const client& from) const {
        if (from.advertised != nullptr) return *from.advertised;
        return {from.reached.address().to_string(), from.reached.port()};
    }
    /// Adds what a connection took that has ended.
    void count(const kwire::serve_report& end) noexcept {
        done.reads += end.reads;
        done.writes += end.writes;
    }

    const options chosen;
    echo_broker::codecs codecs;
    echo_broker::timers timers;
    echo_broker::storage storage;
    record_store records;
    topic_table topics;
    producer_table producers;
    echo_broker::classic_groups classic_groups;
    echo_broker::consumer_groups consumer_groups;
    committed_offsets offsets{classic_groups.memory};
    transaction_table transactions;
    totals done;
    bool stopping = false;       ///< nothing new is taken, and what waits should not
    std::size_t connections = 0; ///< that are open
    std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
    kwire::counting_metrics metrics;  ///< filled if there is a page for them
    std::unique_ptr<frame_dump> dump; ///< null without --dump
};

/// What the broker keeps of a request until it is answered; a copy of it goes to --dump.
[[nodiscard]] open_request open(broker& here, const kwire::request_frame& request, const client& from);

/// The APIs that this broker serves.
[[nodiscard]] std::span<const service> all_services() noexcept;

} // namespace echo_broker
