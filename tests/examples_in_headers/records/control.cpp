#include <kwire/messages/end_txn_marker.hpp>
#include <kwire/records/control.hpp>

void committed(std::int64_t producer_id, std::int32_t coordinator_epoch);

void example(kwire::batch_view batch, kwire::record_view record) {
    // example 1
}
