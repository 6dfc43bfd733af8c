/// Produce requests in parts: `split` and `error_answer` (split/split.hpp) for them.
#pragma once

#include <kwire/messages/produce.hpp>
#include <kwire/split/split.hpp>

namespace kwire::inline KWIRE_ABI::detail {

struct produce_shape {
    using request = produce_request;
    using response = produce_response;
    using answered_partition = response::partition_produce_response::data;
    using answered_topic = response::topic_produce_response::data;

    static constexpr auto asked_topics = &request::data::topic_data;
    static constexpr auto asked_name = &request::topic_produce_data::data::name;
    static constexpr auto asked_id = &request::topic_produce_data::data::topic_id;
    static constexpr auto asked_partitions = &request::topic_produce_data::data::partition_data;
    static constexpr auto asked_index = &request::partition_produce_data::data::index;

    static constexpr auto answered_topics = &response::data::responses;
    static constexpr auto answered_name = &answered_topic::name;
    static constexpr auto answered_id = &answered_topic::topic_id;
    static constexpr auto answered_partitions = &answered_topic::partition_responses;
    static constexpr auto answered_index = &answered_partition::index;
    static constexpr auto error = &answered_partition::error_code;
    /// Topics have ids in place of names from here on.
    static constexpr int ids_from = 13;

    static void fail(answered_partition& partition) noexcept { partition.base_offset = -1; }
    /// With acks=0 a producer reads no answers.
    static bool expects_answer(const request::data& asked) noexcept { return asked.acks != 0; }
};

template <>
struct split_api<produce_request> : split_as<produce_shape> {};

} // namespace kwire::inline KWIRE_ABI::detail
