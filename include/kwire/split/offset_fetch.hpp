/// OffsetFetch requests in parts: `split` and `error_answer` (split/split.hpp) for them.
///
/// From version 8 on a request has many groups, each with a coordinator: the function that is given to
/// `split` sees the group as `split_topic::around`. A group that asks for all topics (null) goes into every
/// part, unless that function has an overload for `split_group`.
#pragma once

#include <kwire/messages/offset_fetch.hpp>
#include <kwire/split/split.hpp>

#include <utility>

namespace kwire::inline KWIRE_ABI::detail {

/// Versions 0 to 7: one group.
struct offset_fetch_of_one {
    using request = offset_fetch_request;
    using response = offset_fetch_response;
    using answered_partition = response::partition::data;
    using answered_topic = response::topic::data;

    static constexpr auto asked_topics = &request::data::topics;
    static constexpr auto asked_name = &request::topic::data::name;
    static constexpr auto asked_partitions = &request::topic::data::partition_indexes;

    static constexpr auto answered_topics = &response::data::topics;
    static constexpr auto answered_name = &answered_topic::name;
    static constexpr auto answered_partitions = &answered_topic::partitions;
    static constexpr auto answered_index = &answered_partition::partition_index;
    static constexpr auto error = &answered_partition::error_code;
    static constexpr auto top_error = &response::data::error_code;

    static constexpr int error_above_from = 2;
    static constexpr int error_covers_from = 2;
    /// Clients look for a coordinator's errors above the partitions; beside one they take them for a defect.
    static constexpr bool failure_goes_above = true;

    static void fail(answered_partition& partition) noexcept { partition.committed_offset = -1; }
};

/// Versions from 8 on: many groups.
struct offset_fetch_of_many {
    using request = offset_fetch_request;
    using response = offset_fetch_response;
    using answered_partition = response::partitions::data;
    using answered_topic = response::topics::data;

    static constexpr auto asked_around = &request::data::groups;
    static constexpr auto asked_around_name = &request::group::data::group_id;
    static constexpr auto asked_topics = &request::group::data::topics;
    static constexpr auto asked_name = &request::topics::data::name;
    static constexpr auto asked_id = &request::topics::data::topic_id;
    static constexpr auto asked_partitions = &request::topics::data::partition_indexes;

    static constexpr auto answered_around = &response::data::groups;
    static constexpr auto answered_around_name = &response::group::data::group_id;
    static constexpr auto answered_topics = &response::group::data::topics;
    static constexpr auto answered_name = &answered_topic::name;
    static constexpr auto answered_id = &answered_topic::topic_id;
    static constexpr auto answered_partitions = &answered_topic::partitions;
    static constexpr auto answered_index = &answered_partition::partition_index;
    static constexpr auto error = &answered_partition::error_code;
    static constexpr auto around_error = &response::group::data::error_code;
    /// Topics have ids in place of names from here on.
    static constexpr int ids_from = 10;

    static constexpr int error_above_from = 8;
    static constexpr int error_covers_from = 8;
    /// Clients look for a coordinator's errors above the partitions; beside one they take them for a defect.
    static constexpr bool failure_goes_above = true;

    static void fail(answered_partition& partition) noexcept { partition.committed_offset = -1; }
};

template <>
struct split_api<offset_fetch_request> {
    using response = offset_fetch_response;
    template <class F>
    static decltype(auto) at(int version, F&& f) {
        if (version < 8) return std::forward<F>(f)(offset_fetch_of_one{});
        return std::forward<F>(f)(offset_fetch_of_many{});
    }
};

} // namespace kwire::inline KWIRE_ABI::detail
