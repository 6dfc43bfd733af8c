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
/// owner changes batches where they lie instead: see batch_patch.hpp.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/error.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/batch_patch.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace kwire {

namespace detail {

/// Collects parts of one buffer; neighbours become one slice.
class batch_picker {
public:
    explicit batch_picker(const shared_buffer& all) noexcept : all_(all) {}

    /// The bytes of `batch`, which lies in the buffer, from `skipped` on.
    void keep(const batch_view& batch, std::size_t skipped = 0) {
        const auto bytes = bytes_of(batch).subspan(skipped);
        const auto from = static_cast<std::size_t>(bytes.data() - all_.data());
        if (from != to_) {
            flush();
            from_ = from;
        }
        to_ = from + bytes.size();
    }
    /// `batch` with a copy of its first bytes that `change` has changed, or with its own if it has not.
    template <class Change>
    void keep_changed(const batch_view& batch, Change change) {
        std::array<std::byte, sizeof(batch_header)> front;
        const std::size_t size = batch.is_legacy() ? sizeof(message_prefix) : sizeof(batch_header);
        std::memcpy(front.data(), bytes_of(batch).data(), size);
        change(front.data());
        if (std::memcmp(front.data(), bytes_of(batch).data(), size) == 0) return keep(batch);
        flush();
        chain_.put_slice({front.data(), size});
        keep(batch, size);
    }
    [[nodiscard]] buffer_chain take() && {
        flush();
        return std::move(chain_);
    }

private:
    void flush() {
        if (to_ != from_) chain_.put_bytes(buffer_access::slice(all_, from_, to_ - from_));
        from_ = to_;
    }

    const shared_buffer& all_;
    buffer_chain chain_;
    std::size_t from_ = 0, to_ = 0; ///< of what is kept and not in the chain yet
};

/// `e` as that of the batch with that number.
[[nodiscard]] inline std::unexpected<error> in_batch(error e, std::uint32_t index) noexcept {
    e.enter({"batches", index});
    return std::unexpected{e};
}

} // namespace detail

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

/// What renumber has made.
struct renumbered {
    buffer_chain records;
    stamped done; ///< the batches that were kept, and the offset behind the last one
};

/// The batches of `records` for which `keep(batch_view)` is true, stamped as by stamp(), so that their
/// offsets follow one another without gaps.
///
/// Errors as from stamp(), only that nothing changes then: a batch that is cut short is one, and so is a
/// batch that is kept and cannot be stamped.
template <class Keep>
    requires std::predicate<Keep&, batch_view>
[[nodiscard]] std::expected<renumbered, error> renumber(const shared_buffer& records,
                                                        const append_stamp& with, Keep keep) {
    stamped done{.next_offset = with.offset};
    detail::batch_picker picked(records);
    const auto batches = record_batches(records.span());
    auto i = batches.begin();
    std::uint32_t index = 0;
    for (; i != batches.end(); ++i, ++index) {
        const batch_view batch = *i;
        if (!keep(batch)) continue;
        if (detail::refuses_offsets(batch)) {
            const auto at = static_cast<std::uint64_t>(bytes_of(batch).data() - records.data());
            return detail::in_batch(detail::refused_offsets(batch, at), index);
        }
        picked.keep_changed(batch, [&](std::byte* front) {
            done.next_offset = detail::stamp_front(front, bytes_of(batch).size(), done.next_offset, with);
        });
        ++done.batches;
    }
    if (const auto tail = batches.tail(i); tail.left != 0)
        return detail::in_batch(detail::tail_error(tail), index);
    return renumbered{std::move(picked).take(), done};
}

/// All batches of `records`.
[[nodiscard]] inline std::expected<renumbered, error> renumber(const shared_buffer& records,
                                                               const append_stamp& with) {
    return renumber(records, with, [](const batch_view&) { return true; });
}

} // namespace kwire
