// AddPartitionsToTxn: partitions of a transaction, before its producer writes to them.
//
// From v4 on it names several transactions. Kafka's brokers ask each other so, but clients exist that do too.
#include <kwire/messages/add_partitions_to_txn.hpp>

#include <vector>

#include "echo_broker/broker.hpp"
#include "echo_broker/transactions/handlers.hpp"

namespace echo_broker {

namespace {

struct wanted_transaction {
    std::string_view id;
    producer_identity producer;
    bool verify_only;
};

/// Adds the partitions of `topics`, all or none, and returns the code of each.
template <class Topics>
std::vector<kwire::add_partitions_to_txn_response::topic_result::data>
add_topics(broker& here, const wanted_transaction& wanted, const Topics& topics, std::int16_t version) {
    std::vector<partition_name> partitions;
    bool all_exist = true;
    const auto exists = [&](std::string_view name, std::int32_t index) {
        topic* const found = here.topics.find(name);
        return found != nullptr && found->partition(index) != nullptr;
    };
    for (auto topic : topics)
        for (const std::int32_t index : topic.partitions()) {
            partitions.push_back({topic.name(), index});
            all_exist = all_exist && exists(topic.name(), index);
        }

    error_code whole = error_code::none;
    const transaction* verified = nullptr;
    if (!all_exist) {
        whole = error_code::operation_not_attempted;
    } else if (wanted.verify_only) {
        const auto found = here.transactions.find(wanted.id, wanted.producer);
        if (found)
            verified = *found;
        else
            whole = found.error();
    } else {
        // Kafka takes the batched form for the sign of a producer that knows the second protocol.
        whole = here.transactions.add(here, wanted.id, wanted.producer, partitions,
                                      version > 3 ? transaction_protocol::two : transaction_protocol::one);
    }
    if (version < 2) whole = without_fenced(whole);

    std::vector<kwire::add_partitions_to_txn_response::topic_result::data> results;
    for (auto topic : topics) {
        auto& out = results.emplace_back();
        out.name = topic.name();
        for (const std::int32_t index : topic.partitions()) {
            error_code code = whole;
            if (!all_exist && !exists(topic.name(), index))
                code = error_code::unknown_topic_or_partition;
            else if (verified != nullptr && !verified->contains(topic.name(), index))
                code = error_code::transaction_abortable;
            out.results_by_partition.push_back({.partition_index = index, .partition_error_code = code});
        }
    }
    return results;
}

} // namespace

kwire::add_partitions_to_txn_response::data
add_partitions_to_txn(broker& here, const kwire::message<kwire::add_partitions_to_txn_request>& asked,
                      client&) {
    const std::int16_t version = asked.api_version();
    kwire::add_partitions_to_txn_response::data answer;
    if (version < 4) {
        const wanted_transaction wanted{
            asked->v3_and_below_transactional_id(),
            {asked->v3_and_below_producer_id(), asked->v3_and_below_producer_epoch()},
            false};
        answer.results_by_topic_v3_and_below =
            add_topics(here, wanted, asked->v3_and_below_topics(), version);
        return answer;
    }
    for (auto one : asked->transactions()) {
        const wanted_transaction wanted{
            one.transactional_id(), {one.producer_id(), one.producer_epoch()}, one.verify_only()};
        auto& out = answer.results_by_transaction.emplace_back();
        out.transactional_id = one.transactional_id();
        out.topic_results = add_topics(here, wanted, one.topics(), version);
    }
    return answer;
}

} // namespace echo_broker
