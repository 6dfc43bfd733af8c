// EndTxn: commits or aborts a transaction.
#include <kwire/messages/end_txn.hpp>

#include "echo_broker/broker.hpp"
#include "echo_broker/transactions/handlers.hpp"

namespace echo_broker {

kwire::end_txn_response::data end_txn(broker& here, const kwire::message<kwire::end_txn_request>& asked,
                                      client&) {
    const std::int16_t version = asked.api_version();
    const auto protocol = version >= 5 ? transaction_protocol::two : transaction_protocol::one;
    const auto ended =
        here.transactions.end(here, asked->transactional_id(),
                              {asked->producer_id(), asked->producer_epoch()}, asked->committed(), protocol);
    kwire::end_txn_response::data answer;
    if (!ended) {
        answer.error_code = version < 2 ? without_fenced(ended.error()) : ended.error();
    } else if (version >= 5) {
        answer.producer_id = ended->id;
        answer.producer_epoch = ended->epoch;
    }
    return answer;
}

} // namespace echo_broker
