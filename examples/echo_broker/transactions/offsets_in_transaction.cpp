// What transactions say to offsets of a group: TxnOffsetCommit asks.
#include "echo_broker/broker.hpp"
#include "echo_broker/groups/transaction_offsets.hpp"

namespace echo_broker {

error_code check_transaction(broker& here, std::string_view transactional_id, std::int64_t producer_id,
                             std::int16_t producer_epoch, std::string_view group, bool adds_group) {
    const producer_identity producer{producer_id, producer_epoch};
    if (adds_group)
        return without_fenced(
            here.transactions.add_group(here, transactional_id, producer, group, transaction_protocol::two));
    const auto found = here.transactions.find(transactional_id, producer);
    if (!found) return without_fenced(found.error());
    return (*found)->groups.contains(group) ? error_code::none : error_code::invalid_txn_state;
}

} // namespace echo_broker
