// TxnOffsetCommit: how far a group will have read when a transaction commits (KIP-98); and the end of the
// transaction.
#include <kwire/messages/txn_offset_commit.hpp>

#include <cstdint>
#include <utility>
#include <vector>

#include "echo_broker/broker.hpp"
#include "echo_broker/groups/commit_offsets.hpp"
#include "echo_broker/groups/group_kinds.hpp"
#include "echo_broker/groups/group_life.hpp"
#include "echo_broker/groups/group_log.hpp"
#include "echo_broker/groups/handlers.hpp"
#include "echo_broker/groups/transaction_offsets.hpp"

namespace echo_broker {

kwire::txn_offset_commit_response::data
txn_offset_commit(broker& here, const kwire::message<kwire::txn_offset_commit_request>& asked, client&) {
    const auto group = asked->group_id();
    const producer_identity producer{asked->producer_id(), asked->producer_epoch()};
    const auto may_commit = [&] {
        if (group.empty()) return error_code::invalid_group_id;
        const error_code no = check_transaction(here, asked->transactional_id(), producer.id, producer.epoch,
                                                group, asked.api_version() >= 5);
        if (no != error_code::none) return no;
        return check_transactional_commit(here, group,
                                          {.member_id = asked->member_id(),
                                           .instance_id = asked->group_instance_id(),
                                           .generation = asked->generation_id_or_member_epoch()});
    };
    kwire::txn_offset_commit_response::data answer;
    std::vector<offset_of_partition> offsets =
        take_offsets(here, *asked, asked.api_version() >= 6, may_commit, answer);
    log_offsets(here, group, offsets, producer);
    for (offset_of_partition& one : offsets)
        here.offsets.commit_later(group, producer.id, producer.epoch, std::move(one));
    if (offsets.empty()) forget_if_unused(here, group);
    return answer;
}

void end_transaction_of_offsets(broker& here, std::string_view group, std::int64_t producer_id,
                                bool committed) {
    const auto* const transaction = here.offsets.find_transaction(group, producer_id);
    if (transaction == nullptr) return; // it has not committed offsets to the group, or the group was deleted
    log_transaction_end(here, group, {producer_id, transaction->producer_epoch}, committed);
    here.offsets.end_transaction(group, producer_id, committed);
}

} // namespace echo_broker
