/// Writes to the record batches of a message in place, in a message that `edit` has made writable.
///
///     auto request = kwire::edit(*std::move(produce));
///     for (auto topic : request->topic_data())
///         for (auto partition : topic.partition_data())
///             if (auto done = kwire::stamp(*request, partition.records(), {.base_offset = log.end()}); !done)
///                 refuse(done.error());
#pragma once

#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/read/edit.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/patch.hpp>
#include <kwire/records/stamp.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace kwire {

namespace detail {

/// The bytes of `batch` where `message` may write to them; field_absent if they do not lie in it.
template <class M, int V>
[[nodiscard]] expected<mutable_batch, error> writable_batch(editable<M, V>& message,
                                                            const batch_view& batch) noexcept {
    const std::span<const std::byte> bytes = bytes_of(batch);
    if (bytes.empty()) // a batch_view that shows no batch
        return unexpected(
            error{.code = errc::field_absent, .version = message.api_version(), .located = false});
    const auto place = message.writable(bytes);
    if (!place) return unexpected(place.error());
    return batch_access::make(place->data(), static_cast<std::uint32_t>(place->size()));
}

} // namespace detail

/// Stamps all batches in `records`, a records field of `message`: as `stamp` of a span, without copying.
///
/// Null has no batches. Errors: those of `stamp` of a span, with offsets into the field; field_absent if
/// `records` does not lie in `message`.
template <class M, int V>
[[nodiscard]] expected<stamp_result, error> stamp(editable<M, V>& message,
                                                  std::optional<std::span<const std::byte>> records,
                                                  const append_stamp& with) noexcept {
    const auto place = message.writable(records.value_or(std::span<const std::byte>{}));
    if (!place) return unexpected(place.error());
    return stamp(*place, with);
}

/// Stamps one batch that `message` holds, such as the first that check_batches has seen; it is not measured
/// again. Errors: those of `stamp` of a mutable_batch; field_absent if `batch` does not lie in `message`.
template <class M, int V>
[[nodiscard]] expected<stamp_result, error> stamp(editable<M, V>& message, const batch_view& batch,
                                                  const append_stamp& with) noexcept {
    const auto place = detail::writable_batch(message, batch);
    if (!place) return unexpected(place.error());
    return stamp(*place, with);
}

/// Sets the fields of `patch` in a batch that `message` holds, and adjusts its checksum: as `apply` for a
/// mutable_batch. Errors: those of it; field_absent if `batch` does not lie in `message`.
template <class M, int V>
[[nodiscard]] expected<void, error> apply(editable<M, V>& message, const batch_view& batch,
                                          const batch_patch& patch) noexcept {
    const auto place = detail::writable_batch(message, batch);
    if (!place) return unexpected(place.error());
    return apply(patch, *place);
}

} // namespace kwire
