/// DescribeProducers requests in parts: `split` and `error_answer` (split/split.hpp) for them.
#pragma once

#include <kwire/messages/describe_producers.hpp>
#include <kwire/split/split.hpp>

namespace kwire::inline KWIRE_ABI::detail {

using describe_producers_shape = usual_shape<describe_producers_request, describe_producers_response>;

template <>
struct split_api<describe_producers_request> : split_as<describe_producers_shape> {};

} // namespace kwire::inline KWIRE_ABI::detail
