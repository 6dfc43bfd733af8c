// The broker: which requests it serves, and the answer to each.
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
#include <string>

#include "log.hpp"

namespace echo_broker {

using kwire::error_code;

/// What has been done so far.
struct totals {
    std::uint64_t requests = 0;
    std::uint64_t batches = 0;   ///< appended
    std::uint64_t bytes_in = 0;  ///< of these batches
    std::uint64_t bytes_out = 0; ///< of batches in answers to Fetch
};

/// An answer to write, with its length and header; empty where Kafka sends none. Else why to hang up instead.
using reply = std::expected<kwire::buffer_chain, std::string>;

/// All state of the broker. One thread; what it returns shares bytes with the log, so it may outlive it.
class broker {
public:
    /// A new topic gets this many partitions.
    explicit broker(std::int32_t partitions) noexcept : topics_(partitions) {}

    /// Answers one request. `here` is where its client found this broker.
    boost::asio::awaitable<reply> answer(kwire::request_frame request, boost::asio::ip::tcp::endpoint here);

    [[nodiscard]] const totals& done() const noexcept { return totals_; }

private:
    // broker.cpp
    reply api_versions(const kwire::request_frame& request) const;
    reply metadata(const kwire::request_frame& request, const boost::asio::ip::tcp::endpoint& here);
    reply list_offsets(const kwire::request_frame& request) const;
    reply find_coordinator(const kwire::request_frame& request) const;
    reply init_producer_id(const kwire::request_frame& request);
    reply sasl_handshake(const kwire::request_frame& request) const;

    // produce.cpp
    reply produce(kwire::request_frame request);

    // fetch.cpp
    boost::asio::awaitable<reply> fetch(kwire::request_frame request);
    struct fetched;
    fetched read_logs(const kwire::fetch_request::view& request) const;

    topic_table topics_;
    std::int64_t next_producer_id_ = 0;
    totals totals_;
};

/// No answer, but the end of the connection: for an invalid request.
inline reply hang_up(const kwire::error& why) { return std::unexpected(kwire::to_string(why)); }

/// The body of a request, as this broker reads all of them.
template <class M>
kwire::result<kwire::message<M>> read(kwire::request_frame request) {
    // librdkafka sends bytes after some bodies; Kafka ignores them too.
    return kwire::parse<M>(std::move(request), {.trailing_bytes = true});
}

/// The answer in the version of its request.
template <class Data>
reply write(const Data& answer, std::int16_t version, std::int32_t correlation_id) {
    auto frame = kwire::encode_response(answer, version, correlation_id);
    if (!frame) return hang_up(frame.error());
    return *std::move(frame);
}

} // namespace echo_broker
