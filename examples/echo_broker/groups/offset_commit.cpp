// OffsetCommit: how far a group has read.
#include <kwire/messages/offset_commit.hpp>

#include <cstdint>
#include <utility>
#include <vector>

#include "echo_broker/broker.hpp"
#include "echo_broker/groups/commit_offsets.hpp"
#include "echo_broker/groups/group_kinds.hpp"
#include "echo_broker/groups/group_life.hpp"
#include "echo_broker/groups/group_log.hpp"
#include "echo_broker/groups/handlers.hpp"

namespace echo_broker {

kwire::offset_commit_response::data
offset_commit(broker& here, const kwire::message<kwire::offset_commit_request>& asked, client&) {
    const std::int16_t version = asked.api_version();
    const auto group = asked->group_id();
    const auto may_commit = [&] {
        return check_commit(here, group,
                            {.member_id = asked->member_id(),
                             .instance_id = asked->group_instance_id(),
                             .generation = asked->generation_id_or_member_epoch()},
                            version);
    };
    kwire::offset_commit_response::data answer;
    std::vector<offset_of_partition> offsets = take_offsets(here, *asked, version >= 10, may_commit, answer);
    log_offsets(here, group, offsets);
    for (offset_of_partition& one : offsets) here.offsets.commit(group, std::move(one));
    if (offsets.empty()) forget_if_unused(here, group);
    return answer;
}

} // namespace echo_broker
