// InitProducerId: ids for idempotent producers, and the next epoch for transactional ones.
#include <kwire/messages/init_producer_id.hpp>

#include "echo_broker/broker.hpp"
#include "echo_broker/transactions/handlers.hpp"

namespace echo_broker {

namespace {

kwire::expected<producer_identity, error_code>
initialize(broker& here, const kwire::init_producer_id_request::view& asked) {
    const producer_identity claimed{asked.producer_id(), asked.producer_epoch()};
    if ((claimed.id == -1) != (claimed.epoch == -1)) return kwire::unexpected(error_code::invalid_request);
    const auto id = asked.transactional_id();
    if (!id) return producer_identity{here.transactions.new_producer_id(), 0};
    std::optional<producer_identity> expected;
    if (claimed.id != -1) expected = claimed;
    return here.transactions.initialize(here, *id, asked.transaction_timeout_ms(), expected);
}

} // namespace

kwire::init_producer_id_response::data
init_producer_id(broker& here, const kwire::message<kwire::init_producer_id_request>& asked, client&) {
    kwire::init_producer_id_response::data answer;
    const auto producer = initialize(here, *asked);
    if (!producer) {
        answer.error_code = asked.api_version() < 4 ? without_fenced(producer.error()) : producer.error();
        answer.producer_epoch = -1;
    } else {
        answer.producer_id = producer->id;
        answer.producer_epoch = producer->epoch;
    }
    return answer;
}

} // namespace echo_broker
