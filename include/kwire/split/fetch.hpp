/// Fetch requests in parts: `split` and `error_answer` (split/split.hpp) for them.
///
/// The parts are full fetches without a session, and the merged answer grants none, since a session belongs
/// to one broker: the client then sends full fetches. A request that refers to a session all the same (an
/// epoch above 0, KIP-227) is refused with fetch_session_id_not_found, after which clients send a full one.
#pragma once

#include <kwire/error_code.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/split/split.hpp>

namespace kwire::inline KWIRE_ABI::detail {

struct fetch_shape {
    using request = fetch_request;
    using response = fetch_response;
    using answered_partition = response::partition_data::data;
    using answered_topic = response::fetchable_topic_response::data;

    static constexpr auto asked_topics = &request::data::topics;
    static constexpr auto asked_name = &request::topic::data::topic;
    static constexpr auto asked_id = &request::topic::data::topic_id;
    static constexpr auto asked_partitions = &request::topic::data::partitions;
    static constexpr auto asked_index = &request::partition::data::partition;

    static constexpr auto answered_topics = &response::data::responses;
    static constexpr auto answered_name = &answered_topic::topic;
    static constexpr auto answered_id = &answered_topic::topic_id;
    static constexpr auto answered_partitions = &answered_topic::partitions;
    static constexpr auto answered_index = &answered_partition::partition_index;
    static constexpr auto error = &answered_partition::error_code;
    static constexpr auto top_error = &response::data::error_code;
    /// Topics have ids in place of names from here on.
    static constexpr int ids_from = 13;

    static constexpr int error_above_from = 7;
    static constexpr int error_covers_from = 13;

    static void fail(answered_partition& partition) noexcept { partition.high_watermark = -1; }
    /// Takes the session out of a request. Returns what to say to one that needs its session.
    static error_code prepare(request::data& asked, int version) {
        const bool of_session = version >= error_above_from && asked.session_epoch > 0;
        asked.session_id = 0;
        asked.session_epoch = -1;
        asked.forgotten_topics_data.clear(); // partitions that leave a session
        return of_session ? error_code::fetch_session_id_not_found : error_code::none;
    }
    static void answer_whole(const request::data& asked, response::data& answer) noexcept {
        answer.session_id = asked.session_id;
    }
};

template <>
struct split_api<fetch_request> : split_as<fetch_shape> {};

} // namespace kwire::inline KWIRE_ABI::detail
