// The broker: the requests that it supports, and the response to each.
#pragma once

#include <kwire/connect/frame.hpp>
#include <kwire/error_code.hpp>
#include <kwire/error_text.hpp>
#include <kwire/messages/api_versions.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/find_coordinator.hpp>
#include <kwire/messages/init_producer_id.hpp>
#include <kwire/messages/list_offsets.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/messages/sasl_handshake.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <expected>
#include <set>
#include <span>
#include <string>
#include <utility>

#include "codecs.hpp"
#include "log.hpp"
#include "producers.hpp"
#include "topics.hpp"

namespace echo_broker {

using kwire::error_code;

/// Counters since the start.
struct totals {
    std::uint64_t requests = 0;
    std::uint64_t batches = 0;        ///< appended
    std::uint64_t bytes_in = 0;       ///< of these batches
    std::uint64_t bytes_out = 0;      ///< of batches in Fetch responses
    std::uint64_t copied_to_free = 0; ///< bytes of batches that did not keep their frames
};

/// A response frame to write; empty if the request has no response. Otherwise the reason to close the
/// connection.
using reply = std::expected<kwire::buffer_chain, std::string>;

/// All state of the broker, for one thread. Responses share bytes with the log and may outlive the broker.
class broker {
public:
    /// `partitions` is the number of partitions of each new topic, `memory` the bound in bytes for the
    /// records of all partitions.
    broker(std::int32_t partitions, std::uint64_t memory) noexcept : records_(memory), topics_(partitions) {}

    /// Answers one request, which came from `client`; the socket outlives the answer.
    boost::asio::awaitable<reply> answer(kwire::request_frame request, boost::asio::ip::tcp::socket& client);

    [[nodiscard]] const totals& done() const noexcept { return totals_; }

private:
    // broker.cpp
    reply api_versions(const kwire::request_frame& request) const;
    reply metadata(const kwire::request_frame& request, const boost::asio::ip::tcp::socket& client);
    reply init_producer_id(const kwire::request_frame& request);
    reply sasl_handshake(const kwire::request_frame& request) const;

    // find_coordinator.cpp
    reply find_coordinator(const kwire::request_frame& request, const boost::asio::ip::tcp::socket& client);

    // list_offsets.cpp
    reply list_offsets(const kwire::request_frame& request);

    // produce.cpp
    reply produce(kwire::request_frame request);
    struct taken_batch;
    bool keep(const kwire::message<kwire::produce_request>& request, std::span<const taken_batch> taken);

    // fetch.cpp
    boost::asio::awaitable<reply> fetch(kwire::request_frame request, boost::asio::ip::tcp::socket& client);
    struct fetched;
    fetched read_logs(const kwire::fetch_request::view& request) const;

    codecs codecs_;
    record_store records_;
    topic_table topics_;
    producer_table producers_;
    std::int64_t next_producer_id_ = 0;
    std::set<std::pair<std::string, std::int8_t>> told_; ///< client ids and kinds of coordinator
    totals totals_;
};

/// No response; the connection is closed. For invalid requests.
inline reply hang_up(const kwire::error& why) { return std::unexpected(kwire::to_string(why)); }

/// Parses the body of a request with the options that this broker uses for all requests.
template <class M>
kwire::result<kwire::message<M>> read(kwire::request_frame request) {
    return kwire::parse<M>(std::move(request), kwire::parse_options::as_kafka());
}

/// Encodes a response in the version of its request.
template <class Data>
reply write(const Data& answer, std::int16_t version, std::int32_t correlation_id) {
    auto frame = kwire::encode_response(answer, version, correlation_id);
    if (!frame) return hang_up(frame.error());
    return *std::move(frame);
}

} // namespace echo_broker
