// Fetch: respond with slices of the log, and wait for more records if the client asks for that.
#include <kwire/messages/fetch.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>
#include <vector>

#include "echo_broker/broker.hpp"
#include "echo_broker/records/handlers.hpp"
#include "echo_broker/records/old_format.hpp"
#include "echo_broker/report.hpp"

namespace echo_broker {

namespace asio = boost::asio;

namespace {

using std::chrono::milliseconds;

constexpr milliseconds longest_wait{30'000};
constexpr std::int32_t most_bytes = 57'671'680; // Kafka's fetch.max.bytes, 55 MiB
constexpr std::size_t most_aborted = 100'000;   // of a response, but for those of its first partition

std::uint64_t least_bytes(const kwire::fetch_request::view& asked) {
    return static_cast<std::uint64_t>(std::max(asked.min_bytes(), 0));
}

/// Whether the client wants no records of transactions that are open, and to know those of aborted ones.
bool reads_committed(const kwire::fetch_request::view& asked) { return asked.isolation_level() == 1; }

/// The response for the current state of the logs.
struct fetched {
    kwire::fetch_response::data answer;
    std::uint64_t bytes = 0;          ///< of records
    bool failed = false;              ///< a partition has an error, so the response must not wait
    std::size_t aborted = 0;          ///< transactions that are listed
    std::vector<partition_log*> logs; ///< the partitions that may receive more records
};

bool is_isolation_level(int level) { return level == 0 || level == 1; }

/// Why a partition is not read.
template <class Partition>
error_code refusal(const partition_log& log, const Partition& asked, int isolation, std::int32_t replica,
                   std::int32_t max_bytes) {
    if (!is_isolation_level(isolation)) return error_code::unknown_server_error;
    if (replica >= 0) return error_code::not_leader_or_follower; // a replica, of which there are none
    // Kafka takes all negative epochs for "not known" here.
    if (const auto epoch = check_epoch(std::max(asked.current_leader_epoch(), -1)); epoch != error_code::none)
        return epoch;
    if (asked.fetch_offset() < log.start_offset() || asked.fetch_offset() > log.end_offset())
        return error_code::offset_out_of_range;
    if (std::min(asked.partition_max_bytes(), max_bytes) < 0 && asked.fetch_offset() < log.end_offset())
        return error_code::unknown_server_error; // as Kafka
    return error_code::none;
}

fetched read_logs(const broker& here, const kwire::fetch_request::view& request) {
    const std::int16_t version = version_of(request);
    fetched found;
    // Fetch sessions are optional (KIP-227). A request to begin (epoch 0) or to end one (-1) names all
    // partitions and is answered without a session, id 0. Any other belongs to a session, which this broker
    // does not have.
    if (request.session_epoch() != 0 && request.session_epoch() != -1) {
        found.answer.error_code = error_code::fetch_session_id_not_found;
        found.failed = true;
        return found;
    }
    const std::int32_t max_bytes = std::min(request.max_bytes(), most_bytes);
    if (!is_isolation_level(request.isolation_level()))
        found.answer.error_code = error_code::unknown_server_error; // as Kafka, and for each partition too
    const std::int32_t replica = version < 15 ? request.replica_id() : request.replica_state().replica_id();
    old_format_reader conversion(version, here.codecs);
    const bool committed_only = reads_committed(request);
    for (auto asked : request.topics()) {
        topic* const topic =
            version >= 13 ? here.topics.find(asked.topic_id()) : here.topics.find(asked.topic());
        auto& out = found.answer.responses.emplace_back();
        out.topic = asked.topic();
        out.topic_id = asked.topic_id();
        for (auto partition : asked.partitions()) {
            auto& result = out.partitions.emplace_back();
            result.partition_index = partition.partition();
            result.high_watermark = -1;
            partition_log* const log = topic != nullptr ? topic->partition(partition.partition()) : nullptr;
            if (log == nullptr) {
                result.error_code = version >= 13 && topic == nullptr
                                        ? error_code::unknown_topic_id
                                        : error_code::unknown_topic_or_partition;
            } else {
                if (request.isolation_level() == 0) result.aborted_transactions = nullptr;
                result.error_code = refusal(*log, partition, request.isolation_level(), replica, max_bytes);
            }
            if (result.error_code != error_code::none) {
                found.failed = true;
                continue;
            }
            // At least one batch is returned whatever its size; otherwise a client with small limits would
            // make no progress (KIP-74).
            const auto at_most = static_cast<std::uint64_t>(std::max(max_bytes, 0));
            const auto limit =
                std::min(static_cast<std::uint64_t>(std::max(partition.partition_max_bytes(), 0)),
                         at_most - std::min(at_most, found.bytes));
            std::int64_t end = committed_only ? log->last_stable_offset() : log->end_offset();
            std::vector<aborted_transaction> aborted;
            if (committed_only && found.aborted >= most_aborted)
                end = log->start_offset(); // no records; the client asks again
            else if (committed_only)
                aborted = log->transactions.aborted(partition.fetch_offset(), end);
            found.aborted += aborted.size();
            try {
                if (version < 4) {
                    auto old = conversion.read(*log, partition.fetch_offset(), limit, found.bytes == 0);
                    result.records = std::move(old.records);
                    result.error_code = old.failure;
                } else {
                    result.records = log->read(partition.fetch_offset(), limit, found.bytes == 0, end);
                }
            } catch (const std::system_error&) { // no descriptor is left, or no address space
                result.error_code = error_code::kafka_storage_error;
            }
            if (result.error_code != error_code::none) {
                found.failed = true;
                continue;
            }
            result.high_watermark = log->end_offset();
            result.last_stable_offset = log->last_stable_offset();
            result.log_start_offset = log->start_offset();
            found.bytes += result.records.size();
            for (const aborted_transaction& one : aborted)
                result.aborted_transactions.push_back(
                    {.producer_id = one.producer_id, .first_offset = one.first_offset});
            found.logs.push_back(log);
        }
        if (out.partitions.empty()) found.answer.responses.pop_back();
    }
    return found;
}

/// Answers when enough bytes were appended, after the time that the client allows, or when it leaves.
asio::awaitable<void> fetch_later(broker& here, kwire::message<kwire::fetch_request> request, fetched found,
                                  answer_to<kwire::fetch_response> to) {
    const kwire::fetch_request::view& asked = *request;
    const std::uint64_t min_bytes = least_bytes(asked);
    asio::steady_timer timer(co_await asio::this_coro::executor);
    timer.expires_after(std::min(milliseconds(asked.max_wait_ms()), longest_wait));
    append_waiter waiter(timer, std::move(found.logs), reads_committed(asked));
    to.on_peer_left([&timer] { timer.cancel(); });
    boost::system::error_code woken;
    do {
        waiter.missing = min_bytes - found.bytes;
        found = {}; // its references would keep what the log drops meanwhile
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        found = read_logs(here, asked);
    } while (woken && !to.peer_has_left() && found.bytes < min_bytes && !found.failed);
    here.done.bytes_out += found.bytes;
    to.send(found.answer);
}

} // namespace

void fetch(broker& here, kwire::message<kwire::fetch_request> request, client& from,
           answer_to<kwire::fetch_response> to) {
    const kwire::fetch_request::view& asked = *request;
    fetched found = read_logs(here, asked);
    if (found.bytes < least_bytes(asked) && !found.failed && asked.max_wait_ms() > 0) {
        asio::co_spawn(from.executor, fetch_later(here, std::move(request), std::move(found), std::move(to)),
                       report_end_of_coroutine);
        return;
    }
    here.done.bytes_out += found.bytes;
    to.send(found.answer);
}

} // namespace echo_broker
