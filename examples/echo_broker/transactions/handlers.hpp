// The handlers of transactions/: producers' ids and transactions.
#pragma once

#include <kwire/messages/add_offsets_to_txn.hpp>
#include <kwire/messages/add_partitions_to_txn.hpp>
#include <kwire/messages/describe_producers.hpp>
#include <kwire/messages/describe_transactions.hpp>
#include <kwire/messages/end_txn.hpp>
#include <kwire/messages/init_producer_id.hpp>
#include <kwire/messages/list_transactions.hpp>

#include "echo_broker/service.hpp"

namespace echo_broker {

kwire::init_producer_id_response::data
init_producer_id(broker& here, const kwire::message<kwire::init_producer_id_request>& asked, client& from);
kwire::add_partitions_to_txn_response::data
add_partitions_to_txn(broker& here, const kwire::message<kwire::add_partitions_to_txn_request>& asked,
                      client& from);
kwire::add_offsets_to_txn_response::data
add_offsets_to_txn(broker& here, const kwire::message<kwire::add_offsets_to_txn_request>& asked,
                   client& from);
kwire::end_txn_response::data end_txn(broker& here, const kwire::message<kwire::end_txn_request>& asked,
                                      client& from);

kwire::describe_producers_response::data
describe_producers(broker& here, const kwire::message<kwire::describe_producers_request>& asked,
                   client& from);
kwire::describe_transactions_response::data
describe_transactions(broker& here, const kwire::message<kwire::describe_transactions_request>& asked,
                      client& from);
kwire::list_transactions_response::data
list_transactions(broker& here, const kwire::message<kwire::list_transactions_request>& asked, client& from);

} // namespace echo_broker
