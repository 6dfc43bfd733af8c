/// ListOffsets requests in parts: `split` and `error_answer` (split/split.hpp) for them.
#pragma once

#include <kwire/messages/list_offsets.hpp>
#include <kwire/split/split.hpp>

#include <utility>

namespace kwire::inline KWIRE_ABI::detail {

struct list_offsets_shape {
    using request = list_offsets_request;
    using response = list_offsets_response;
    using answered_partition = response::partition_response::data;
    using answered_topic = response::topic_response::data;

    static constexpr auto asked_topics = &request::data::topics;
    static constexpr auto asked_name = &request::topic::data::name;
    static constexpr auto asked_partitions = &request::topic::data::partitions;
    static constexpr auto asked_index = &request::partition::data::partition_index;

    static constexpr auto answered_topics = &response::data::topics;
    static constexpr auto answered_name = &answered_topic::name;
    static constexpr auto answered_partitions = &answered_topic::partitions;
    static constexpr auto answered_index = &answered_partition::partition_index;
    static constexpr auto error = &answered_partition::error_code;

    static void fail(answered_partition&) noexcept {} // the defaults: no offset, no timestamp
};

template <>
struct split_api<list_offsets_request> {
    using response = list_offsets_response;
    template <class F>
    static decltype(auto) at(int, F&& f) {
        return std::forward<F>(f)(list_offsets_shape{});
    }
};

} // namespace kwire::inline KWIRE_ABI::detail
