#include "echo_broker/transactions/produce_in_transaction.hpp"

#include <array>

#include "echo_broker/broker.hpp"

namespace echo_broker {

error_code produce_in_transaction(broker& here, std::string_view transactional_id, std::int16_t version,
                                  topic& topic, std::int32_t partition, const kwire::batch_view& batch) {
    const partition_transactions& open = topic.partition(partition)->transactions;
    const producer_identity producer{batch.producer_id(), batch.producer_epoch()};
    if (!batch.is_transactional())
        return open.is_open(producer.id) ? error_code::invalid_txn_state : error_code::none;
    if (producer.id < 0) return error_code::none; // without a producer, Kafka cares for the bit no more
    if (open.is_open(producer.id, producer.epoch)) return error_code::none;
    if (version >= 12) {
        const std::array added{partition_name{topic.name, partition}};
        const error_code code =
            here.transactions.add(here, transactional_id, producer, added, transaction_protocol::two);
        // This protocol has a new epoch for each transaction, so that one cannot begin in the middle.
        const bool begins_late =
            batch.base_sequence() != 0 && !here.producers.knows(*topic.partition(partition), producer.id);
        if (code == error_code::none && begins_late) return error_code::out_of_order_sequence_number;
        return without_fenced(code);
    }
    const auto found = here.transactions.find(transactional_id, producer);
    if (!found) return without_fenced(found.error());
    if ((*found)->contains(topic.name, partition)) return error_code::none;
    return version >= 11 ? error_code::transaction_abortable : error_code::invalid_txn_state;
}

} // namespace echo_broker
