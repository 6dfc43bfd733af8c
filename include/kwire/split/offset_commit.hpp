/// OffsetCommit requests in parts: `split` and `error_answer` (split/split.hpp) for them.
///
/// A group has one coordinator, so this is for proxies that show topics of several clusters as one.
#pragma once

#include <kwire/messages/offset_commit.hpp>
#include <kwire/split/split.hpp>

namespace kwire::inline KWIRE_ABI::detail {

struct offset_commit_shape : usual_shape_with_ids<offset_commit_request, offset_commit_response> {
    /// Topics have ids in place of names from here on.
    static constexpr int ids_from = 10;
};

template <>
struct split_api<offset_commit_request> : split_as<offset_commit_shape> {};

} // namespace kwire::inline KWIRE_ABI::detail
