/// DeleteRecords requests in parts: `split` and `error_answer` (split/split.hpp) for them.
#pragma once

#include <kwire/messages/delete_records.hpp>
#include <kwire/split/split.hpp>

namespace kwire::inline KWIRE_ABI::detail {

struct delete_records_shape : usual_shape<delete_records_request, delete_records_response> {
    static void fail(answered_partition& partition) noexcept { partition.low_watermark = -1; }
};

template <>
struct split_api<delete_records_request> : split_as<delete_records_shape> {};

} // namespace kwire::inline KWIRE_ABI::detail
