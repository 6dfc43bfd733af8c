#include "echo_broker/log/restore_producers.hpp"

#include <kwire/messages/end_txn_marker.hpp>
#include <kwire/records/control.hpp>
#include <kwire/records/read.hpp>

#include "echo_broker/broker.hpp"

namespace echo_broker {

namespace {

void restore_marker(broker& here, partition_log& partition, const kwire::batch_view& batch) {
    const auto records = kwire::records(batch, here.codecs.all, codecs::most_bytes);
    if (!records) return;
    for (const auto& record : *records) {
        if (!record) return;
        const auto marker = kwire::control_of(*record);
        if (!marker) return;
        const bool committed = marker->type() == kwire::control_type::commit;
        if (!committed && marker->type() != kwire::control_type::abort) continue;
        const auto content = marker->payload<kwire::end_txn_marker>();
        partition.transactions.end(batch.producer_id(), batch.base_offset(), committed);
        here.producers.add_marker(partition, batch.producer_id(), batch.producer_epoch(),
                                  content ? content->coordinator_epoch() : -1, batch.max_timestamp());
    }
}

} // namespace

void restore_producer(broker& here, partition_log& partition, const kwire::batch_view& batch) {
    if (batch.is_legacy() || batch.producer_id() < 0) return;
    here.transactions.avoid(batch.producer_id());
    if (batch.is_control()) return restore_marker(here, partition, batch);
    here.producers.add(partition, batch, batch.base_offset());
    if (batch.is_transactional())
        partition.transactions.write(batch.producer_id(), batch.producer_epoch(), batch.base_offset());
}

} // namespace echo_broker
