// The coordinator of all transactions (KIP-98, KIP-360, KIP-890): which transactional id has which producer,
// and what each transaction consists of.
#pragma once

#include <kwire/error_code.hpp>
#include <kwire/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "echo_broker/transactions/transaction.hpp"

namespace echo_broker {

class broker;

/// INVALID_PRODUCER_EPOCH in place of PRODUCER_FENCED, which clients do not know as the code of a refused
/// write, nor in the older versions of requests to a coordinator.
[[nodiscard]] constexpr kwire::error_code without_fenced(kwire::error_code code) noexcept {
    return code == kwire::error_code::producer_fenced ? kwire::error_code::invalid_producer_epoch : code;
}

struct partition_name {
    std::string_view topic;
    std::int32_t partition;
};

/// All transactional ids, in a limited amount of memory: those that were not used for the longest time and
/// have no open transaction are forgotten first. A producer whose id was forgotten must initialize itself
/// again.
///
/// The answers and their codes are those of Kafka's TransactionCoordinator. One difference: the markers are
/// written at once, so that no client sees a transaction that is decided but not finished; but with --fsync
/// always a client that is quicker than the disk.
class transaction_table {
public:
    /// Kafka's transaction.max.timeout.ms.
    static constexpr std::int32_t longest_timeout_ms = 900'000;
    using by_id = std::map<std::string, transaction, std::less<>>;

    /// A producer id that no one has had.
    [[nodiscard]] std::int64_t new_producer_id() noexcept { return next_producer_id_++; }
    /// `producer_id` is in use.
    void avoid(std::int64_t producer_id) noexcept;

    /// Gives the producer of a transactional id its next epoch, which fences those before it. `expected` is
    /// who the producer says it is, if it does (KIP-360).
    [[nodiscard]] kwire::expected<producer_identity, kwire::error_code>
    initialize(broker& here, std::string_view id, std::int32_t timeout_ms,
               const std::optional<producer_identity>& expected);

    /// Adds partitions to the transaction, and begins it if there is none. They must exist.
    [[nodiscard]] kwire::error_code add(broker& here, std::string_view id, producer_identity producer,
                                        std::span<const partition_name> partitions,
                                        transaction_protocol protocol);
    /// The same for a group to which the transaction commits offsets.
    [[nodiscard]] kwire::error_code add_group(broker& here, std::string_view id, producer_identity producer,
                                              std::string_view group, transaction_protocol protocol);
    /// The transaction of this producer; or why the producer has none.
    [[nodiscard]] kwire::expected<const transaction*, kwire::error_code>
    find(std::string_view id, producer_identity producer) const noexcept;

    /// Commits or aborts, and returns who the producer is from now on.
    [[nodiscard]] kwire::expected<producer_identity, kwire::error_code> end(broker& here, std::string_view id,
                                                                            producer_identity producer,
                                                                            bool committed,
                                                                            transaction_protocol protocol);

    /// Takes a transactional id as it was stored: at the start, before any other use, as the next three.
    void restore(broker& here, std::string_view id, transaction stored);
    void forget(std::string_view id);
    /// The open transaction of this producer has committed offsets to the group.
    void restore_group(std::int64_t producer_id, std::string_view group);
    /// Finishes the transactions that were decided when the broker stopped, and lets others time out. New
    /// producer ids are larger than any of before, also of those that have left no trace.
    void finish_restoring(broker& here);

    [[nodiscard]] const by_id& all() const noexcept { return transactions_; }

private:
    [[nodiscard]] transaction* find(std::string_view id) noexcept;
    transaction* insert(broker& here, std::string_view id);
    void erase(transaction& one);
    void use(transaction& one) noexcept;
    [[nodiscard]] bool has_room(broker& here, std::size_t bytes);

    [[nodiscard]] kwire::expected<transaction*, kwire::error_code>
    ready_to_add(broker& here, std::string_view id, producer_identity producer, std::size_t bytes);
    void added(broker& here, transaction& one, transaction_protocol protocol, std::size_t bytes);
    void abort_later(broker& here, transaction& one, std::int64_t now);
    /// Aborts a transaction that its producer has left, and fences this producer.
    void abort_and_fence(broker& here, transaction& one);
    void begin_next_epoch(transaction& one);
    void decide(broker& here, transaction& one, bool committed);
    void when_durable(broker& here, const transaction& one,
                      void (transaction_table::*next)(broker&, transaction&));
    void mark(broker& here, transaction& one);
    void complete(broker& here, transaction& one);

    by_id transactions_;
    std::list<transaction*> by_use_; ///< the last one was used most recently
    std::size_t bytes_ = 0;          ///< of all weights
    std::int64_t next_producer_id_ = 0;
};

} // namespace echo_broker
