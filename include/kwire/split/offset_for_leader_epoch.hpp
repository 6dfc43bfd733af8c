/// OffsetForLeaderEpoch requests in parts: `split` and `error_answer` (split/split.hpp) for them.
#pragma once

#include <kwire/messages/offset_for_leader_epoch.hpp>
#include <kwire/split/split.hpp>

#include <utility>

namespace kwire::inline KWIRE_ABI::detail {

struct offset_for_leader_epoch_shape {
    using request = offset_for_leader_epoch_request;
    using response = offset_for_leader_epoch_response;
    using answered_partition = response::epoch_end_offset::data;
    using answered_topic = response::offset_for_leader_topic_result::data;

    static constexpr auto asked_topics = &request::data::topics;
    static constexpr auto asked_name = &request::offset_for_leader_topic::data::topic;
    static constexpr auto asked_partitions = &request::offset_for_leader_topic::data::partitions;
    static constexpr auto asked_index = &request::offset_for_leader_partition::data::partition;

    static constexpr auto answered_topics = &response::data::topics;
    static constexpr auto answered_name = &answered_topic::topic;
    static constexpr auto answered_partitions = &answered_topic::partitions;
    static constexpr auto answered_index = &answered_partition::partition;
    static constexpr auto error = &answered_partition::error_code;

    static void fail(answered_partition&) noexcept {} // the defaults: no epoch, no offset
};

template <>
struct split_api<offset_for_leader_epoch_request> {
    using response = offset_for_leader_epoch_response;
    template <class F>
    static decltype(auto) at(int, F&& f) {
        return std::forward<F>(f)(offset_for_leader_epoch_shape{});
    }
};

} // namespace kwire::inline KWIRE_ABI::detail
