/// TxnOffsetCommit requests in parts: `split` and `error_answer` (split/split.hpp) for them.
///
/// A group has one coordinator, so this is for proxies that show topics of several clusters as one.
#pragma once

#include <kwire/messages/txn_offset_commit.hpp>
#include <kwire/split/split.hpp>

namespace kwire::inline KWIRE_ABI::detail {

struct txn_offset_commit_shape : usual_shape_with_ids<txn_offset_commit_request, txn_offset_commit_response> {
    /// Topics have ids in place of names from here on.
    static constexpr int ids_from = 6;
};

template <>
struct split_api<txn_offset_commit_request> : split_as<txn_offset_commit_shape> {};

} // namespace kwire::inline KWIRE_ABI::detail
