/// OffsetForLeaderEpoch requests in parts: `split` and `error_answer` (split/split.hpp) for them.
#pragma once

#include <kwire/messages/offset_for_leader_epoch.hpp>
#include <kwire/split/split.hpp>

namespace kwire::inline KWIRE_ABI::detail {

using offset_for_leader_epoch_shape =
    usual_shape<offset_for_leader_epoch_request, offset_for_leader_epoch_response>;

template <>
struct split_api<offset_for_leader_epoch_request> : split_as<offset_for_leader_epoch_shape> {};

} // namespace kwire::inline KWIRE_ABI::detail
