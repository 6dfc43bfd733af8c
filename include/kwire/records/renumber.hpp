/// A records field with new offsets that follow one another, as a chain, for bytes that others may hold too:
/// headers are copied and stamped, records stay where they are.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/detail/batch_picker.hpp>
#include <kwire/records/stamp.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace kwire::inline KWIRE_ABI {

/// What renumber made.
struct renumber_result {
    /// The batches with their new headers.
    buffer_chain records;
    stamp_result done; ///< how many batches were kept, and the offset after the last one
};

/// The batches of `records` for which `keep(batch_view)` is true, with what stamp() sets, so that their
/// offsets follow one another without gaps.
///
/// `records` does not change. The headers that change are copied, and counted in copied_bytes(). Errors:
/// those of stamp() for kept batches, and truncated if the last batch is cut short.
template <class Keep>
    requires std::predicate<Keep&, batch_view>
[[nodiscard]] expected<renumber_result, error> renumber(const shared_buffer& records,
                                                        const append_stamp& with, Keep keep) {
    stamp_result done{.next_offset = with.base_offset};
    detail::batch_picker picked(records);
    const auto batches = record_batches(records.span());
    auto i = batches.begin();
    std::uint32_t index = 0;
    for (; i != batches.end(); ++i, ++index) {
        const auto found = *i;
        if (!found) return detail::in_batch(found.error(), index);
        const batch_view batch = *found;
        if (!keep(batch)) continue;
        if (detail::refuses_offsets(batch)) {
            return detail::in_batch(detail::refused_offsets(batch, found.offset()), index);
        }
        picked.keep_changed(batch, [&](std::byte* front) {
            done.next_offset = detail::stamp_front(front, bytes_of(batch).size(), done.next_offset, with);
        });
        ++done.batches;
    }
    if (const auto tail = batches.tail(i); tail.left != 0)
        if (const auto refusal = tail.refusal()) return detail::in_batch(*refusal, index);
    return renumber_result{std::move(picked).take(), done};
}

/// The same with all batches of `records`.
[[nodiscard]] inline expected<renumber_result, error> renumber(const shared_buffer& records,
                                                               const append_stamp& with) {
    return renumber(records, with, [](const batch_view&) { return true; });
}

} // namespace kwire::inline KWIRE_ABI
