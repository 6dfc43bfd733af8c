/// ListOffsets requests in parts: `split` and `error_answer` (split/split.hpp) for them.
#pragma once

#include <kwire/messages/list_offsets.hpp>
#include <kwire/split/split.hpp>

namespace kwire::inline KWIRE_ABI::detail {

using list_offsets_shape = usual_shape<list_offsets_request, list_offsets_response>;

template <>
struct split_api<list_offsets_request> : split_as<list_offsets_shape> {};

} // namespace kwire::inline KWIRE_ABI::detail
