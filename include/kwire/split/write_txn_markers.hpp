/// WriteTxnMarkers requests in parts: `split` and `error_answer` (split/split.hpp) for them.
///
/// Each marker is of one producer: the function that is given to `split` sees it as
/// `split_topic::producer_id`. Markers of one producer that name a partition twice are answered as often as
/// its upstream answers.
#pragma once

#include <kwire/messages/write_txn_markers.hpp>
#include <kwire/split/split.hpp>

namespace kwire::inline KWIRE_ABI::detail {

struct write_txn_markers_shape : usual_topics<write_txn_markers_request::writable_txn_marker::data,
                                              write_txn_markers_response::writable_txn_marker_result::data> {
    using request = write_txn_markers_request;
    using response = write_txn_markers_response;

    static constexpr auto asked_around = &request::data::markers;
    static constexpr auto asked_producer = &request::writable_txn_marker::data::producer_id;
    static constexpr auto answered_around = &response::data::markers;
    static constexpr auto answered_producer = &response::writable_txn_marker_result::data::producer_id;
};

template <>
struct split_api<write_txn_markers_request> : split_as<write_txn_markers_shape> {};

} // namespace kwire::inline KWIRE_ABI::detail
