// Fetch: respond with slices of the log, and wait for more records if the client asks for that.
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "broker.hpp"

namespace echo_broker {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

using std::chrono::milliseconds;

constexpr milliseconds longest_wait{30'000};
constexpr std::int32_t most_bytes = 57'671'680; // Kafka's fetch.max.bytes, 55 MiB

/// While it exists, appends to some partitions count down a waiter.
class registration {
public:
    registration(append_waiter& waiter, std::vector<partition_log*> logs) : registration(waiter) {
        std::ranges::sort(logs); // a request may name a partition any number of times
        logs.erase(std::unique(logs.begin(), logs.end()), logs.end());
        logs_ = std::move(logs); // from here on the destructor removes the waiter from the logs
        for (partition_log* log : logs_) log->wake_on_append(waiter_);
    }
    registration(const registration&) = delete;
    registration& operator=(const registration&) = delete;
    ~registration() {
        for (partition_log* log : logs_) log->forget(waiter_);
    }

private:
    explicit registration(append_waiter& waiter) noexcept : waiter_(waiter) {}

    append_waiter& waiter_;
    std::vector<partition_log*> logs_;
};

/// While it exists, a client that closes its side of the connection cancels a timer.
class departure {
public:
    departure(tcp::socket& socket, asio::steady_timer& timer)
        : socket_(socket), timer_(std::make_shared<asio::steady_timer*>(&timer)) {
        socket.async_wait(tcp::socket::wait_read, [this, alive = std::weak_ptr(timer_)](auto failure) {
            if (failure || alive.expired()) return;
            char next = 0;
            socket_.receive(asio::buffer(&next, 1), tcp::socket::message_peek, failure);
            if (!failure || failure == asio::error::would_block)
                return; // it has sent the next request already
            happened_ = true;
            (*timer_)->cancel();
        });
    }
    departure(const departure&) = delete;
    departure& operator=(const departure&) = delete;
    ~departure() {
        boost::system::error_code ignored;
        socket_.cancel(ignored); // nothing is read or written meanwhile
    }

    [[nodiscard]] bool happened() const noexcept { return happened_; }

private:
    tcp::socket& socket_;
    std::shared_ptr<asio::steady_timer*> timer_; ///< its life tells the handler whether *this lives
    bool happened_ = false;
};

} // namespace

/// The response for the current state of the logs.
struct broker::fetched {
    kwire::fetch_response::data answer;
    std::uint64_t bytes = 0;          ///< of records
    bool failed = false;              ///< a partition has an error, so the response must not wait
    std::vector<partition_log*> logs; ///< the partitions that may receive more records
};

broker::fetched broker::read_logs(const kwire::fetch_request::view& request) const {
    const std::int16_t version = version_of(request);
    fetched found;
    if (request.session_id() != 0) { // fetch sessions are optional (KIP-227): id 0 declines them
        found.answer.error_code = error_code::fetch_session_id_not_found;
        found.failed = true;
        return found;
    }
    const std::int32_t max_bytes = std::min(request.max_bytes(), most_bytes);
    for (auto asked : request.topics()) {
        topic* const topic = version >= 13 ? topics_.find(asked.topic_id()) : topics_.find(asked.topic());
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
            } else if (partition.current_leader_epoch() > leader_epoch) {
                result.error_code = error_code::unknown_leader_epoch;
            } else if (std::min(partition.partition_max_bytes(), max_bytes) < 0 &&
                       partition.fetch_offset() >= log->start_offset() &&
                       partition.fetch_offset() < log->end_offset()) {
                result.error_code = error_code::unknown_server_error; // as Kafka
            } else {
                result.high_watermark = log->end_offset();
                result.last_stable_offset = log->end_offset();
                result.log_start_offset = log->start_offset();
                if (partition.fetch_offset() < log->start_offset() ||
                    partition.fetch_offset() > log->end_offset())
                    result.error_code = error_code::offset_out_of_range;
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
            result.records = log->read(partition.fetch_offset(), limit, found.bytes == 0);
            found.bytes += result.records.size();
            found.logs.push_back(log);
        }
    }
    return found;
}

asio::awaitable<reply> broker::fetch(kwire::request_frame frame, tcp::socket& client) {
    const auto request = read<kwire::fetch_request>(frame);
    if (!request) co_return hang_up(request.error());
    const kwire::fetch_request::view& asked = **request;
    const auto min_bytes = static_cast<std::uint64_t>(std::max(asked.min_bytes(), 0));

    fetched found = read_logs(asked);
    if (found.bytes < min_bytes && !found.failed && asked.max_wait_ms() > 0) {
        asio::steady_timer timer(co_await asio::this_coro::executor);
        timer.expires_after(std::min(milliseconds(asked.max_wait_ms()), longest_wait));
        append_waiter waiter{.missing = 0, .timer = timer};
        const registration registered(waiter, std::move(found.logs));
        const departure departed(client, timer);
        boost::system::error_code woken;
        do {
            waiter.missing = min_bytes - found.bytes;
            found = {}; // its references would keep what the log drops meanwhile
            co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
            found = read_logs(asked);
        } while (woken && !departed.happened() && found.bytes < min_bytes && !found.failed);
    }
    totals_.bytes_out += found.bytes;
    co_return write(found.answer, frame.api_version(), frame.correlation_id());
}

} // namespace echo_broker
