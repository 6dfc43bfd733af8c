#include "echo_broker/transactions/transaction_table.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "echo_broker/broker.hpp"
#include "echo_broker/clock.hpp"
#include "echo_broker/transactions/markers.hpp"
#include "echo_broker/transactions/transaction_log.hpp"

namespace echo_broker {

namespace {

using enum transaction_state;

constexpr std::size_t most_bytes = std::size_t{64} << 20;
constexpr std::size_t node_bytes = 96; ///< of a small element of a map or a set, about

std::size_t weight_of(std::string_view text) noexcept { return node_bytes + text.size(); }

/// Of an id without a transaction.
std::size_t weight_of_empty(std::string_view id) noexcept {
    return sizeof(transaction) + 2 * node_bytes + id.size();
}

} // namespace

// -- the table

transaction* transaction_table::find(std::string_view id) noexcept {
    const auto found = transactions_.find(id);
    return found == transactions_.end() ? nullptr : &found->second;
}

void transaction_table::use(transaction& one) noexcept { by_use_.splice(by_use_.end(), by_use_, one.place); }

/// Forgets ids without a transaction until so many bytes more are allowed.
bool transaction_table::has_room(broker& here, std::size_t bytes) {
    for (auto one = by_use_.begin(); one != by_use_.end() && bytes_ + bytes > most_bytes;) {
        transaction& oldest = **one++;
        if (oldest.is_ongoing() || oldest.is_decided()) continue;
        store_end_of(here, oldest.id);
        erase(oldest);
    }
    return bytes_ + bytes <= most_bytes;
}

transaction* transaction_table::insert(broker& here, std::string_view id) {
    if (!has_room(here, weight_of_empty(id))) return nullptr;
    const auto made = transactions_.try_emplace(std::string(id)).first;
    transaction& one = made->second;
    one.id = made->first;
    one.weight = weight_of_empty(id);
    one.place = by_use_.insert(by_use_.end(), &one);
    bytes_ += one.weight;
    return &one;
}

void transaction_table::erase(transaction& one) {
    bytes_ -= one.weight;
    by_use_.erase(one.place);
    transactions_.erase(transactions_.find(one.id));
}

void transaction_table::avoid(std::int64_t producer_id) noexcept {
    next_producer_id_ = std::max(next_producer_id_, producer_id + 1);
}

// -- producers

kwire::expected<producer_identity, error_code>
transaction_table::initialize(broker& here, std::string_view id, std::int32_t timeout_ms,
                              const std::optional<producer_identity>& expected) {
    if (id.empty()) return kwire::unexpected(error_code::invalid_request);
    if (timeout_ms <= 0 || timeout_ms > longest_timeout_ms)
        return kwire::unexpected(error_code::invalid_transaction_timeout);
    transaction* one = find(id);
    if (one == nullptr) {
        one = insert(here, id);
        if (one == nullptr) return kwire::unexpected(error_code::policy_violation);
        one->producer.id = new_producer_id();
    }
    use(*one);

    producer_identity& current = one->producer;
    const bool is_new = current.epoch < 0;
    if (expected && !is_new) {
        // A retry that has used up the epochs of the previous id: its answer was lost.
        const bool is_previous =
            expected->id == one->previous_producer_id && expected->epoch >= last_usable_epoch;
        if (expected->id != current.id && !is_previous) return kwire::unexpected(error_code::producer_fenced);
    }
    if (one->is_decided()) return kwire::unexpected(error_code::concurrent_transactions);
    if (one->is_ongoing()) {
        // The epoch of the abort is given to no one; the client asks again and gets the next one.
        abort_and_fence(here, *one);
        return kwire::unexpected(error_code::concurrent_transactions);
    }
    if (one->epoch_is_used_up() && (!expected || expected->epoch == current.epoch)) {
        one->last_epoch = expected ? current.epoch : std::int16_t{-1};
        one->previous_producer_id = current.id;
        current = {new_producer_id(), 0};
    } else if (!expected) {
        one->last_epoch = -1;
        ++current.epoch;
    } else if (is_new || expected->epoch == current.epoch) {
        one->last_epoch = current.epoch;
        ++current.epoch;
    } else if (expected->epoch != one->last_epoch) { // else a retry, whose answer was lost: the same again
        return kwire::unexpected(error_code::producer_fenced);
    }
    one->state = empty;
    one->timeout_ms = timeout_ms;
    one->started_at = -1;
    one->updated_at = milliseconds_now();
    store(here, *one);
    return current;
}

kwire::expected<const transaction*, error_code>
transaction_table::find(std::string_view id, producer_identity producer) const noexcept {
    if (id.empty()) return kwire::unexpected(error_code::invalid_request);
    const auto one = transactions_.find(id);
    if (one == transactions_.end() || one->second.producer.id != producer.id)
        return kwire::unexpected(error_code::invalid_producer_id_mapping);
    // The epoch after the last usable one was given to no one.
    if (one->second.producer.epoch != producer.epoch || producer.epoch > last_usable_epoch)
        return kwire::unexpected(error_code::producer_fenced);
    return &one->second;
}

// -- the parts of a transaction

kwire::expected<transaction*, error_code> transaction_table::ready_to_add(broker& here, std::string_view id,
                                                                          producer_identity producer,
                                                                          std::size_t bytes) {
    if (const auto found = std::as_const(*this).find(id, producer); !found)
        return kwire::unexpected(found.error());
    transaction* const one = find(id);
    if (one->is_decided()) return kwire::unexpected(error_code::concurrent_transactions);
    use(*one);
    // Another transaction may be forgotten for this one, but not itself: it is the last in the order of use.
    if (bytes_ + bytes > most_bytes && (!has_room(here, bytes) || find(id) != one))
        return kwire::unexpected(error_code::policy_violation);
    return one;
}

void transaction_table::added(broker& here, transaction& one, transaction_protocol protocol,
                              std::size_t bytes) {
    one.weight += bytes;
    bytes_ += bytes;
    one.protocol = protocol;
    one.updated_at = milliseconds_now();
    if (!one.is_ongoing()) {
        one.state = ongoing;
        one.started_at = one.updated_at;
        abort_later(here, one, one.started_at);
    }
    store(here, one);
}

error_code transaction_table::add(broker& here, std::string_view id, producer_identity producer,
                                  std::span<const partition_name> partitions, transaction_protocol protocol) {
    std::size_t bytes = 0;
    for (const partition_name& part : partitions) bytes += weight_of(part.topic) + node_bytes;
    const auto ready = ready_to_add(here, id, producer, bytes);
    if (!ready) return ready.error();
    transaction& one = **ready;
    bool all_known = one.is_ongoing();
    bytes = 0;
    for (const auto& [topic, partition] : partitions) {
        auto found = one.partitions.find(topic);
        if (found == one.partitions.end()) {
            found = one.partitions.try_emplace(std::string(topic)).first;
            bytes += weight_of(topic);
        }
        if (found->second.insert(partition).second) {
            bytes += node_bytes;
            all_known = false;
        }
    }
    if (!all_known) added(here, one, protocol, bytes);
    return error_code::none;
}

error_code transaction_table::add_group(broker& here, std::string_view id, producer_identity producer,
                                        std::string_view group, transaction_protocol protocol) {
    const auto ready = ready_to_add(here, id, producer, weight_of(group));
    if (!ready) return ready.error();
    transaction& one = **ready;
    const bool is_new = one.groups.emplace(group).second;
    if (is_new || !one.is_ongoing()) added(here, one, protocol, is_new ? weight_of(group) : 0);
    return error_code::none;
}

// -- the end of a transaction

void transaction_table::abort_later(broker& here, transaction& one, std::int64_t now) {
    const auto left =
        std::chrono::milliseconds(std::max<std::int64_t>(one.started_at + one.timeout_ms - now, 0));
    here.timers.cancel(one.time_out);
    // The transaction stays in the table while it is ongoing, and its end cancels this.
    one.time_out = here.timers.after(left, [this, &here, &one] { abort_and_fence(here, one); });
}

/// Fences all writes and requests of this transaction; its producer may go on with the new epoch.
void transaction_table::begin_next_epoch(transaction& one) {
    const bool changes_id = one.protocol == transaction_protocol::two && one.epoch_is_used_up();
    if (changes_id) one.next_producer_id = new_producer_id();
    one.last_epoch = one.producer.epoch++; // even to the last one, which no producer gets
}

void transaction_table::abort_and_fence(broker& here, transaction& one) {
    begin_next_epoch(one);
    decide(here, one, false);
}

void transaction_table::decide(broker& here, transaction& one, bool committed) {
    here.timers.cancel(one.time_out);
    one.updated_at = milliseconds_now();
    if (!one.is_ongoing()) one.started_at = one.updated_at; // an abort of nothing, for a new epoch
    one.state = committed ? prepare_commit : prepare_abort;
    store(here, one);
    when_durable(here, one, &transaction_table::mark);
}

/// Goes on with a transaction that is decided when what was written for it is durable: with --fsync always
/// the ends of many transactions share a sync.
void transaction_table::when_durable(broker& here, const transaction& one,
                                     void (transaction_table::*next)(broker&, transaction&)) {
    here.storage.when_acknowledgeable([this, &here, id = std::string(one.id), next] {
        transaction* const found = find(id);
        if (found != nullptr && found->is_decided()) (this->*next)(here, *found);
    });
}

void transaction_table::mark(broker& here, transaction& one) {
    write_markers(here, one, one.state == prepare_commit);
    when_durable(here, one, &transaction_table::complete);
}

void transaction_table::complete(broker& here, transaction& one) {
    const bool committed = one.state == prepare_commit;
    one.partitions.clear();
    one.groups.clear();
    bytes_ -= std::exchange(one.weight, weight_of_empty(one.id));
    bytes_ += one.weight;
    if (one.next_producer_id >= 0) {
        one.previous_producer_id = one.producer.id;
        one.producer = {std::exchange(one.next_producer_id, -1), 0};
    }
    one.state = committed ? complete_commit : complete_abort;
    one.updated_at = milliseconds_now();
    store(here, one);
}

kwire::expected<producer_identity, error_code> transaction_table::end(broker& here, std::string_view id,
                                                                      producer_identity producer,
                                                                      bool committed,
                                                                      transaction_protocol protocol) {
    if (id.empty()) return kwire::unexpected(error_code::invalid_request);
    transaction* const one = find(id);
    if (one == nullptr) return kwire::unexpected(error_code::invalid_producer_id_mapping);
    use(*one);
    const producer_identity current = one->producer;
    const bool is_second = protocol == transaction_protocol::two;
    const bool was_ended = one->state == complete_commit || one->state == complete_abort;
    // The epoch of a producer that did not get the answer to the end of this transaction.
    const bool after_bump = is_second && producer.id == current.id && producer.epoch == current.epoch - 1;
    const bool after_new_id = is_second && producer.id == one->previous_producer_id &&
                              producer.epoch == last_usable_epoch && current.epoch == 0;
    const bool is_retry = was_ended && (after_bump || after_new_id);
    if (producer.id != current.id && !after_new_id)
        return kwire::unexpected(error_code::invalid_producer_id_mapping);
    if (producer != current && !is_retry) return kwire::unexpected(error_code::producer_fenced);
    if (producer.epoch > last_usable_epoch) return kwire::unexpected(error_code::producer_fenced);

    if (one->is_decided()) return kwire::unexpected(error_code::concurrent_transactions);
    if (!one->is_ongoing()) {
        const bool same = one->state == (committed ? complete_commit : complete_abort);
        // Without new epochs, a second end of a transaction cannot be told from a retry.
        if (same && (is_retry || !is_second)) return current;
        // With them, an abort of nothing is allowed, since the producer cannot know whether a write arrived.
        if (!is_second || is_retry || committed) return kwire::unexpected(error_code::invalid_txn_state);
    }
    one->protocol = protocol;
    if (is_second) begin_next_epoch(*one);
    decide(here, *one, committed);
    return one->next_producer_id >= 0 ? producer_identity{one->next_producer_id, 0} : one->producer;
}

// -- after a start

void transaction_table::restore(broker& here, std::string_view id, transaction stored) {
    avoid(std::max({stored.producer.id, stored.previous_producer_id, stored.next_producer_id}));
    forget(id);
    transaction* const one = insert(here, id);
    if (one == nullptr) return;
    stored.weight = one->weight;
    for (const auto& [topic, partitions] : stored.partitions)
        stored.weight += weight_of(topic) + node_bytes * partitions.size();
    for (const std::string& group : stored.groups) stored.weight += weight_of(group);
    bytes_ += stored.weight - one->weight;
    stored.id = one->id;
    stored.place = one->place;
    *one = std::move(stored);
}

void transaction_table::forget(std::string_view id) {
    if (transaction* const one = find(id)) erase(*one);
}

void transaction_table::restore_group(std::int64_t producer_id, std::string_view group) {
    for (auto& [id, one] : transactions_) {
        if (one.producer.id != producer_id || !(one.is_ongoing() || one.is_decided())) continue;
        if (!one.groups.emplace(group).second) return;
        one.weight += weight_of(group);
        bytes_ += weight_of(group);
        return;
    }
}

void transaction_table::finish_restoring(broker& here) {
    const std::int64_t now = milliseconds_now();
    avoid(now); // fewer than one id a millisecond was given away
    for (auto& [id, one] : transactions_) {
        if (one.is_decided())
            mark(here, one);
        else if (one.is_ongoing())
            abort_later(here, one, now);
    }
}

} // namespace echo_broker
