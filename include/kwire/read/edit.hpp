/// A message that is written to in place.
///
///     auto request = kwire::edit(*std::move(produce));              // the last holder: nothing is copied
///     if (!request) return refuse(request.error());
///     for (auto topic : request->topic_data())
///         for (auto partition : topic.partition_data())
///             if (auto done = kwire::stamp(*request, partition.records(), {.base_offset = log.end()});
///             !done)
///                 refuse(done.error());
///     auto frozen = std::move(*request).freeze();                   // shared from here on
///
/// write/set.hpp sets fields of a fixed width, records/stamp.hpp and records/patch.hpp write to record
/// batches. Lengths, counts and markers cannot be set, so what was checked stays true: views of the message
/// stay valid and show the new values.
#pragma once

#include <kwire/buffer/detail/buffer_access.hpp>
#include <kwire/buffer/if_shared.hpp>
#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/read/message.hpp>
#include <kwire/read/result.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

namespace kwire::inline KWIRE_ABI {

template <class M, int V = any_version>
class editable;

/// Makes a message writable if it is the only holder of its bytes; else a copy of it, if `policy` asks for
/// one.
///
/// Errors: buffer_shared if others hold the buffer, buffer_read_only if its memory was lent to be read; then
/// `message` is unchanged.
template <class M, int V>
[[nodiscard]] result<editable<M, V>> edit(message<M, V>&& message, if_shared policy = if_shared::refuse);

/// Message `M` and the only reference on its bytes. Made by `edit`; freeze() makes it a message again.
///
/// Move-only; after a move, and after freeze(), it is empty: assign to it before use. What it hands out is
/// valid while it lives, and then while a reference on what freeze() returned lives.
template <class M, int V>
class KWIRE_OWNER editable {
public:
    using message_type = M;
    using view_type = typename M::template basic_view<V>;

    editable(editable&& other) noexcept
        : view_(other.view_), bytes_(std::move(other.bytes_)), place_(other.place_) {
        other.forget();
    }
    editable& operator=(editable&& other) noexcept {
        if (this == &other) return *this;
        view_ = other.view_;
        bytes_ = std::move(other.bytes_);
        place_ = other.place_;
        other.forget();
        return *this;
    }
    ~editable() = default;

    /// The view; it shows what was written.
    [[nodiscard]] const view_type& view() const& noexcept KWIRE_LIFETIMEBOUND { return view_; }
    const view_type& view() const&& = delete;
    [[nodiscard]] const view_type& operator*() const& noexcept KWIRE_LIFETIMEBOUND { return view_; }
    const view_type& operator*() const&& = delete;
    [[nodiscard]] const view_type* operator->() const& noexcept KWIRE_LIFETIMEBOUND { return &view_; }
    const view_type* operator->() const&& = delete;

    /// As message has them.
    [[nodiscard]] bool in_frame() const noexcept { return place_.in_frame() && !bytes_.empty(); }
    [[nodiscard]] auto header() const& noexcept KWIRE_LIFETIMEBOUND {
        detail::require(in_frame());
        return detail::header_at<detail::header_of<M>>(bytes_.data(), place_);
    }
    void header() const&& = delete;
    [[nodiscard]] std::int32_t correlation_id() const noexcept {
        detail::require(in_frame());
        return place_.correlation_id;
    }
    /// The version of the body.
    [[nodiscard]] std::int16_t api_version() const noexcept { return version_of(view_); }

    /// The bytes of `part`, which the message or a view of it has handed out, to be written to.
    ///
    /// The caller must not change what the check relied on: lengths, counts and markers. Inside a records or
    /// bytes field everything may change. Errors: field_absent if `part` does not lie in this message.
    [[nodiscard]] expected<std::span<std::byte>, error>
    writable(std::span<const std::byte> part) & noexcept KWIRE_LIFETIMEBOUND {
        const std::size_t offset = detail::distance_from(bytes_.data(), part.data());
        if (part.empty()) return std::span<std::byte>{};
        if (offset < bytes_.size() && part.size() <= bytes_.size() - offset)
            return bytes_.span().subspan(offset, part.size());
        return unexpected(error{.code = errc::field_absent, .version = version_of(view_), .located = false});
    }
    /// All bytes, of the frame if it came in one: for those who know what is checked and trusted.
    [[nodiscard]] std::span<std::byte> bytes() & noexcept KWIRE_LIFETIMEBOUND { return bytes_.span(); }

    /// The message with its changes, to be read, held and shared. O(1).
    [[nodiscard]] message<M, V> freeze() && noexcept {
        auto out = detail::message_access::make<M, V>(view_, std::move(bytes_).freeze(), place_);
        forget();
        return out;
    }

private:
    friend result<editable> edit<M, V>(message<M, V>&&, if_shared);
    editable(const view_type& view, unique_buffer bytes, const detail::frame_place& place) noexcept
        : view_(view), bytes_(std::move(bytes)), place_(place) {}

    /// Shows nothing of bytes that it no longer owns.
    void forget() noexcept {
        if constexpr (std::is_nothrow_default_constructible_v<view_type>) view_ = view_type{};
        place_ = {};
    }

    view_type view_;
    unique_buffer bytes_;
    detail::frame_place place_;
};

/// Makes `view` a view of the same bytes at another place: `base` is its first byte there.
template <class S, int V>
void move_view(struct_view<S, V>& view, const std::byte* base) noexcept {
    detail::view_access::move_to(view, base);
}

template <class M, int V>
result<editable<M, V>> edit(message<M, V>&& message, if_shared policy) {
    typename M::template basic_view<V> view = message.view();
    const detail::frame_place place = detail::message_access::place(message);
    auto bytes = std::move(message).buffer().try_into_unique();
    if (bytes) return editable<M, V>(view, *std::move(bytes), place);
    message = detail::message_access::make<M, V>(view, std::move(bytes).error(), place); // unchanged
    if (policy == if_shared::refuse)
        return unexpected(error{.code = detail::buffer_access::refusal(message.buffer()), .located = false});
    unique_buffer copy = unique_buffer::with_capacity(message.buffer().size());
    copy.append(message.buffer());
    if (copy.size() > place.body) move_view(view, copy.data() + place.body);
    static_cast<void>(std::move(message).buffer()); // its reference is given up, as without a copy
    return editable<M, V>(view, std::move(copy), place);
}

} // namespace kwire::inline KWIRE_ABI
