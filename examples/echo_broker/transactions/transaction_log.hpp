// Transactions as Kafka keeps them: records of `__transaction_state`.
//
// A broker keeps them if it has this topic, which it makes for itself when it has files. After a start it
// shows each record of the topic to restore_transaction, from the oldest to the newest, then each offset that
// a transaction has committed to a group (transaction_table::restore_group), and then it calls
// transaction_table::finish_restoring.
#pragma once

#include <kwire/records/batch.hpp>

#include <string_view>

#include "echo_broker/transactions/transaction.hpp"

namespace echo_broker {

class broker;

inline constexpr std::string_view transaction_topic = "__transaction_state";

/// Writes the transaction as it is now.
void store(broker& here, const transaction& one);
/// Writes that the transactional id is forgotten.
void store_end_of(broker& here, std::string_view id);

/// Takes what these functions have written. Records of other types are skipped, also broken ones.
void restore_transactions(broker& here, const kwire::batch_view& batch);

} // namespace echo_broker
