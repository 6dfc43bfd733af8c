/// A records field with whole batches dropped or their headers changed, as a chain; the records stay where
/// they are.
///
///     // Without control batches and without what was read before:
///     auto left = kwire::select_batches(fetched, [&](kwire::batch_view batch) {
///         return !batch.is_control() && batch.last_offset() >= position;
///     });
///
///     // With other producer ids:
///     auto moved = kwire::rewrite_batches(produced, [&](kwire::batch_view batch) {
///         return kwire::batch_patch{.producer_id = map(batch.producer_id())};
///     });
///
/// The bytes are not written to, so others may hold them too. The header of a batch that changes is copied
/// (61 bytes; 26 in magic 0 and 1; counted in copied_bytes()); all other bytes are attached by reference. The
/// only holder of bytes can change batches in place instead: see patch.hpp. New offsets: see renumber.hpp.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/detail/batch_picker.hpp>
#include <kwire/records/patch.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

namespace kwire {

/// The batches of `records` for which `change(batch_view)` returns a patch, with the patch applied; the
/// others, for which it returns nullopt, are dropped.
///
/// If a patch changes nothing, the batch is attached by reference with its header. A last batch that is cut
/// short is left out (see record_batches(records).tail()). Errors, with a path such as `batches[2].magic`:
/// unknown_magic and bad_batch_length for bytes that are not a valid batch; field_not_in_version and
/// bad_value as from apply.
template <class Change>
    requires std::convertible_to<std::invoke_result_t<Change&, batch_view>, std::optional<batch_patch>>
[[nodiscard]] expected<buffer_chain, error> rewrite_batches(const shared_buffer& records, Change change) {
    detail::batch_picker picked(records);
    std::uint32_t index = 0;
    for (const auto found : record_batches(records.span())) {
        if (!found) return detail::in_batch(found.error(), index);
        const batch_view batch = *found;
        const std::optional<batch_patch> patch = change(batch);
        if (!patch) {
            ++index;
            continue;
        }
        if (const auto refused = detail::find_patch_defect(*patch, batch.magic()))
            return detail::in_batch(*refused, index);
        ++index;
        picked.keep_changed(
            batch, [&](std::byte* front) { detail::apply_to_front(*patch, front, bytes_of(batch).size()); });
    }
    return std::move(picked).take();
}

/// The batches of `records` for which `keep(batch_view)` is true, by reference; adjacent batches are one
/// segment.
///
/// A last batch that is cut short is left out. Errors: unknown_magic and bad_batch_length as from
/// rewrite_batches.
template <class Keep>
    requires std::predicate<Keep&, batch_view>
[[nodiscard]] expected<buffer_chain, error> select_batches(const shared_buffer& records, Keep keep) {
    detail::batch_picker picked(records);
    std::uint32_t index = 0;
    for (const auto batch : record_batches(records.span())) {
        if (!batch) return detail::in_batch(batch.error(), index);
        if (keep(*batch)) picked.keep(*batch);
        ++index;
    }
    return std::move(picked).take();
}

} // namespace kwire
