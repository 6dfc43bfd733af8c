// What OffsetCommit and TxnOffsetCommit do with the partitions that they name.
#pragma once

#include <kwire/error_code.hpp>

#include <optional>
#include <utility>
#include <vector>

#include "echo_broker/broker.hpp"
#include "echo_broker/groups/committed_offsets.hpp"
#include "echo_broker/groups/offset_rules.hpp"

namespace echo_broker {

/// The offsets of a request to store; those that cannot be stored have their code in `answer`. `may_commit`
/// is asked once, and only if there is something to commit; topics are named by their ids if `by_id`.
template <class Request, class Answer, class MayCommit>
std::vector<offset_of_partition> take_offsets(broker& here, const Request& asked, bool by_id,
                                              const MayCommit& may_commit, Answer& answer) {
    std::optional<error_code> allowed;
    const auto judge = [&](topic* found, std::int32_t partition) {
        if (found == nullptr && by_id) return error_code::unknown_topic_id;
        if (found == nullptr || found->partition(partition) == nullptr)
            return error_code::unknown_topic_or_partition;
        if (!allowed) allowed = may_commit();
        return *allowed;
    };

    std::vector<offset_of_partition> offsets;
    for (auto wanted : asked.topics()) {
        topic* const found = by_id ? here.topics.find(wanted.topic_id()) : here.topics.find(wanted.name());
        auto& out = answer.topics.emplace_back();
        out.name = wanted.name();
        out.topic_id = wanted.topic_id();
        for (auto one : wanted.partitions()) {
            auto& result = out.partitions.emplace_back();
            result.partition_index = one.partition_index();
            result.error_code = judge(found, one.partition_index());
            if (result.error_code != error_code::none) continue;
            auto stored = offset_to_store(here, asked.group_id(), found->name, found->id,
                                          one.partition_index(), one.committed_offset(),
                                          one.committed_leader_epoch(), one.committed_metadata());
            if (stored)
                offsets.push_back(*std::move(stored));
            else
                result.error_code = stored.error();
        }
    }
    return offsets;
}

} // namespace echo_broker
