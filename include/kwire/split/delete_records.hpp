/// DeleteRecords requests in parts: `split` and `error_answer` (split/split.hpp) for them.
#pragma once

#include <kwire/messages/delete_records.hpp>
#include <kwire/split/split.hpp>

#include <utility>

namespace kwire::inline KWIRE_ABI::detail {

struct delete_records_shape {
    using request = delete_records_request;
    using response = delete_records_response;
    using answered_partition = response::partition_result::data;
    using answered_topic = response::topic_result::data;

    static constexpr auto asked_topics = &request::data::topics;
    static constexpr auto asked_name = &request::topic::data::name;
    static constexpr auto asked_partitions = &request::topic::data::partitions;
    static constexpr auto asked_index = &request::partition::data::partition_index;

    static constexpr auto answered_topics = &response::data::topics;
    static constexpr auto answered_name = &answered_topic::name;
    static constexpr auto answered_partitions = &answered_topic::partitions;
    static constexpr auto answered_index = &answered_partition::partition_index;
    static constexpr auto error = &answered_partition::error_code;

    static void fail(answered_partition& partition) noexcept { partition.low_watermark = -1; }
};

template <>
struct split_api<delete_records_request> {
    using response = delete_records_response;
    template <class F>
    static decltype(auto) at(int, F&& f) {
        return std::forward<F>(f)(delete_records_shape{});
    }
};

} // namespace kwire::inline KWIRE_ABI::detail
