// AddOffsetsToTxn: a group to which the transaction will commit offsets.
#include <kwire/messages/add_offsets_to_txn.hpp>

#include "echo_broker/broker.hpp"
#include "echo_broker/transactions/handlers.hpp"

namespace echo_broker {

kwire::add_offsets_to_txn_response::data
add_offsets_to_txn(broker& here, const kwire::message<kwire::add_offsets_to_txn_request>& asked, client&) {
    const error_code code = here.transactions.add_group(here, asked->transactional_id(),
                                                        {asked->producer_id(), asked->producer_epoch()},
                                                        asked->group_id(), transaction_protocol::one);
    return {.error_code = asked.api_version() < 2 ? without_fenced(code) : code};
}

} // namespace echo_broker
