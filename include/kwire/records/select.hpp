/// Whole batches of a records field dropped, changed or renumbered into a chain; records stay where they are.
///
///     // Neither control batches nor what was read before:
///     auto left = kwire::select_batches(fetched, [&](kwire::batch_view batch) {
///         return !batch.is_control() && batch.last_offset() >= position;
///     });
///
///     // Another producer id for some, the others as they are:
///     auto moved = kwire::rewrite_batches(produced, [&](kwire::batch_view batch) {
///         return kwire::batch_patch{.producer_id = map(batch.producer_id())};
///     });
///
/// Others may hold the bytes too: a batch that changes gets a copy of its header (61 bytes; 26 in magic 1),
/// which is counted in copied_bytes(), and all behind that is attached by reference. Whoever is the only
/// owner changes batches where they lie instead: see patch.hpp.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/error.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/detail/batch_picker.hpp>
#include <kwire/records/patch.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <type_traits>
#include <utility>

namespace kwire {

/// The batches of `records` for which `change(batch_view)` gives a patch, with its fields set; those for
/// which it gives nullopt are dropped.
///
/// A patch that sets nothing, or only what is so already, keeps the batch by reference with its header. What
/// is cut short behind the last batch is left out (record_batches(records).tail() tells). unknown_magic and
/// bad_batch_length, with the path `batches[2].magic`, for bytes that are no batch; field_not_in_version and
/// bad_value as from apply.
template <class Change>
    requires std::convertible_to<std::invoke_result_t<Change&, batch_view>, std::optional<batch_patch>>
[[nodiscard]] std::expected<buffer_chain, error> rewrite_batches(const shared_buffer& records,
                                                                 Change change) {
    detail::batch_picker picked(records);
    const auto batches = record_batches(records.span());
    auto i = batches.begin();
    std::uint32_t index = 0;
    for (; i != batches.end(); ++i, ++index) {
        const batch_view batch = *i;
        const std::optional<batch_patch> patch = change(batch);
        if (!patch) continue;
        if (const auto refused = detail::find_patch_defect(*patch, batch.magic()))
            return detail::in_batch(*refused, index);
        picked.keep_changed(
            batch, [&](std::byte* front) { detail::apply_to_front(*patch, front, bytes_of(batch).size()); });
    }
    if (const auto tail = batches.tail(i); tail.defect) return detail::in_batch(*tail.defect, index);
    return std::move(picked).take();
}

/// The batches of `records` for which `keep(batch_view)` is true, by reference; neighbours are one segment.
///
/// Errors and the end as with rewrite_batches.
template <class Keep>
    requires std::predicate<Keep&, batch_view>
[[nodiscard]] std::expected<buffer_chain, error> select_batches(const shared_buffer& records, Keep keep) {
    detail::batch_picker picked(records);
    const auto batches = record_batches(records.span());
    auto i = batches.begin();
    std::uint32_t index = 0;
    for (; i != batches.end(); ++i, ++index)
        if (keep(*i)) picked.keep(*i);
    if (const auto tail = batches.tail(i); tail.defect) return detail::in_batch(*tail.defect, index);
    return std::move(picked).take();
}

} // namespace kwire
