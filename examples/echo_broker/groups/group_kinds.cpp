#include "echo_broker/groups/group_kinds.hpp"

#include "echo_broker/broker.hpp"
#include "echo_broker/groups/consumer_group.hpp"
#include "echo_broker/groups/consumer_group_log.hpp"
#include "echo_broker/groups/group_life.hpp"
#include "echo_broker/groups/rebalance.hpp"

namespace echo_broker {

namespace {

/// The rules for groups of the classic protocol.
error_code check_classic(classic_group& group, const committer& who, bool transactional) {
    if (who.generation < 0 && group.state == group_state::empty) return error_code::none;
    if (who.generation >= 0 || !who.member_id.empty() || who.instance_id) {
        if (const error_code no = group.check_member(who.member_id, who.instance_id); no != error_code::none)
            return no;
        if (who.generation != group.generation) return error_code::illegal_generation;
    } else if (!transactional) {
        return error_code::unknown_member_id; // only members may commit while there are any
    }
    if (!transactional && group.state == group_state::completing_rebalance)
        return error_code::rebalance_in_progress;
    return error_code::none;
}

} // namespace

bool release_consumer_group(broker& here, std::string_view group) {
    consumer_group* const found = here.consumer_groups.find(group);
    if (found == nullptr) return true;
    if (!found->members.empty()) return false;
    log_consumer_group_removal(here, *found);
    return here.consumer_groups.remove(group) == error_code::none;
}

bool release_classic_group(broker& here, std::string_view group) {
    classic_group* const found = here.classic_groups.find(group);
    if (found == nullptr) return true;
    if (found->state != group_state::empty) return false;
    remove_group(here, *found);
    return true;
}

bool group_exists(const broker& here, std::string_view group) {
    return here.consumer_groups.contains(group) || here.classic_groups.find(group) != nullptr;
}

error_code check_commit(broker& here, std::string_view group, const committer& who, std::int16_t version) {
    if (here.consumer_groups.contains(group)) {
        const error_code code = here.consumer_groups.check_commit(group, who.member_id, who.generation);
        // Requests before v9 come from clients that do not know this code.
        return code == error_code::stale_member_epoch && version < 9 ? error_code::unsupported_version : code;
    }
    classic_group* found = here.classic_groups.find(group);
    if (found == nullptr) {
        if (who.generation >= 0)
            return version >= 9 ? error_code::group_id_not_found : error_code::illegal_generation;
        found = make_group(here, group);
        if (found == nullptr) return error_code::invalid_commit_offset_size;
        return error_code::none;
    }
    const error_code code = check_classic(*found, who, false);
    if (code == error_code::none)
        if (group_member* const member = found->find(who.member_id)) keep_alive(here, *found, *member);
    return code;
}

error_code check_transactional_commit(broker& here, std::string_view group, const committer& who) {
    if (here.consumer_groups.contains(group)) {
        const error_code code = here.consumer_groups.check_commit(group, who.member_id, who.generation, true);
        return code == error_code::stale_member_epoch ? error_code::illegal_generation : code;
    }
    classic_group* found = here.classic_groups.find(group);
    if (found != nullptr) return check_classic(*found, who, true);
    if (who.generation >= 0) return error_code::illegal_generation;
    found = make_group(here, group);
    return found == nullptr ? error_code::invalid_commit_offset_size : error_code::none;
}

} // namespace echo_broker
