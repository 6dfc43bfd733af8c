// One transactional id, and its transaction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "echo_broker/log/producer_identity.hpp"
#include "echo_broker/timers.hpp"

namespace echo_broker {

/// The numbers are those of `__transaction_state`.
enum class transaction_state : std::int8_t {
    empty = 0, ///< the producer has begun none yet
    ongoing = 1,
    prepare_commit = 2, ///< decided, but some markers may be missing
    prepare_abort = 3,
    complete_commit = 4,
    complete_abort = 5,
};

/// Kafka's name of a state, as in DescribeTransactions.
[[nodiscard]] std::string_view name_of(transaction_state state) noexcept;
[[nodiscard]] std::optional<transaction_state> state_named(std::string_view name) noexcept;

/// Producers never get the largest epoch: it ends their last transaction.
inline constexpr std::int16_t last_usable_epoch = std::numeric_limits<std::int16_t>::max() - 1;

/// What transactions of a producer can do.
enum class transaction_protocol : std::int8_t {
    one = 0, ///< the producer adds partitions itself (KIP-98)
    two = 2, ///< writes add partitions, and each end bumps the epoch (KIP-890)
};

struct transaction {
    std::string_view id; ///< refers to the key in the table
    producer_identity producer;
    std::int64_t previous_producer_id = -1; ///< before the epochs of that one were used up
    std::int64_t next_producer_id = -1;     ///< from the end of this transaction on, if there is one
    std::int16_t last_epoch = -1;           ///< before the producer itself asked for a new one
    std::int32_t timeout_ms = 0;
    transaction_state state = transaction_state::empty;
    transaction_protocol protocol = transaction_protocol::one;
    std::map<std::string, std::set<std::int32_t>, std::less<>> partitions; ///< by topic
    std::set<std::string, std::less<>> groups;                             ///< to which it commits offsets
    std::int64_t started_at = -1;                                          ///< ms since 1970
    std::int64_t updated_at = -1;

    // What transaction_table needs:
    std::size_t weight = 0; ///< bytes of memory that clients made this transaction take, about
    timers::id time_out{};  ///< while it is ongoing
    std::list<transaction*>::iterator place; ///< in the order of use

    [[nodiscard]] bool is_decided() const noexcept {
        return state == transaction_state::prepare_commit || state == transaction_state::prepare_abort;
    }
    [[nodiscard]] bool is_ongoing() const noexcept { return state == transaction_state::ongoing; }
    [[nodiscard]] bool contains(std::string_view topic, std::int32_t partition) const noexcept {
        const auto found = partitions.find(topic);
        return found != partitions.end() && found->second.contains(partition);
    }
    [[nodiscard]] bool epoch_is_used_up() const noexcept { return producer.epoch >= last_usable_epoch; }
};

} // namespace echo_broker
