/// A part of a message, kept alive on its own: a view and one reference on the buffer that it points into.
///
///     auto request = kwire::parse<kwire::fetch_request>(body, version);
///     for (auto topic : request->topics())
///         if (auto kept = request.hold(topic)) topics.push_back(*std::move(kept)); // O(1), nothing copied
#pragma once

#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/detail/config.hpp>

#include <concepts>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace kwire::inline KWIRE_ABI {

namespace detail {
struct message_access;
struct held_access;
} // namespace detail

/// A view that can say where its bytes lie: `bytes_of(view)`, found by argument-dependent lookup.
template <class View>
concept view_of_bytes = std::copyable<View> && requires(const View& view) {
    { bytes_of(view) } -> std::convertible_to<std::span<const std::byte>>;
};

/// Keeps the bytes under `View` alive: the view plus one reference on their buffer.
///
/// A value: copies share the bytes in O(1) and never allocate, moves are cheap. After a move the source has
/// no bytes, and a default view where View has one. What the view hands out (sub-views, strings, spans) is
/// valid while some held, message or shared_buffer on the same memory lives; hold() and slice() keep a part,
/// in O(1). A temporary gives no access: `held(...)->field()` does not compile into a dangling view.
///
/// Threads: as shared_buffer. Held values on one buffer may be used, copied and destroyed on different
/// threads.
template <class View>
class KWIRE_OWNER held {
public:
    using view_type = View;

    held()
        requires std::default_initializable<View>
    = default;
    /// @pre `view` points into `buffer`, or into memory that outlives this value and all its copies.
    held(View view, shared_buffer buffer) noexcept(std::is_nothrow_move_constructible_v<View>)
        : view_(std::move(view)), buffer_(std::move(buffer)) {}
    held(const held&) = default;
    held(held&& other) noexcept(std::is_nothrow_move_constructible_v<View>)
        : view_(std::move(other.view_)), buffer_(std::move(other.buffer_)) {
        other.forget();
    }
    held& operator=(const held&) = default;
    held& operator=(held&& other) noexcept(std::is_nothrow_move_assignable_v<View>) {
        if (this == &other) return *this;
        view_ = std::move(other.view_);
        buffer_ = std::move(other.buffer_);
        other.forget();
        return *this;
    }
    ~held() = default;

    /// The view; valid while this, or another holder of the same memory, lives.
    [[nodiscard]] const View& view() const& noexcept KWIRE_LIFETIMEBOUND { return view_; }
    const View& view() const&& = delete;
    [[nodiscard]] const View& operator*() const& noexcept KWIRE_LIFETIMEBOUND { return view_; }
    const View& operator*() const&& = delete;
    [[nodiscard]] const View* operator->() const& noexcept KWIRE_LIFETIMEBOUND { return &view_; }
    const View* operator->() const&& = delete;

    /// All bytes that are kept alive; the view's own may be a part of them.
    [[nodiscard]] std::span<const std::byte> bytes() const& noexcept KWIRE_LIFETIMEBOUND {
        return buffer_.span();
    }
    std::span<const std::byte> bytes() const&& = delete;
    /// The buffer that keeps them.
    [[nodiscard]] const shared_buffer& buffer() const& noexcept KWIRE_LIFETIMEBOUND { return buffer_; }
    /// The buffer alone, with this reference: the way to try_into_unique().
    [[nodiscard]] shared_buffer buffer() && noexcept {
        shared_buffer out = std::move(buffer_);
        forget();
        return out;
    }

    /// A part of the view, kept on its own. O(1); nullopt if `part` does not lie in this buffer.
    template <view_of_bytes V>
    [[nodiscard]] std::optional<held<V>> hold(V part) const {
        const std::span<const std::byte> bytes = bytes_of(part);
        if (!buffer_.slice_at(bytes.data(), bytes.size())) return std::nullopt;
        return held<V>(std::move(part), buffer_);
    }

    /// These bytes as a buffer of their own. O(1); nullopt if they do not lie in this buffer, as the default
    /// of a string that this version does not have. Empty bytes give an empty buffer, wherever they lie.
    [[nodiscard]] std::optional<shared_buffer> slice(std::span<const std::byte> part) const noexcept {
        return buffer_.slice_at(part.data(), part.size());
    }
    [[nodiscard]] std::optional<shared_buffer> slice(std::string_view part) const noexcept {
        return buffer_.slice_at(bytes_of_text(part).data(), part.size());
    }

    /// The same, with a copy of bytes that lie elsewhere, counted in copied_bytes(): for accessors that may
    /// return a default, which does not lie in the message.
    [[nodiscard]] shared_buffer slice_or_copy(std::span<const std::byte> part) const {
        return slice_or_copy_at(part.data(), part.size());
    }
    [[nodiscard]] shared_buffer slice_or_copy(std::string_view part) const {
        return slice_or_copy_at(bytes_of_text(part).data(), part.size());
    }

private:
    friend detail::message_access;
    friend detail::held_access;

    [[nodiscard]] shared_buffer slice_or_copy_at(const std::byte* part, std::size_t size) const {
        if (auto slice = buffer_.slice_at(part, size)) return *std::move(slice);
        return shared_buffer::copy_of(std::span(part, size));
    }
    void forget() noexcept {
        if constexpr (std::is_nothrow_default_constructible_v<View> &&
                      std::is_nothrow_move_assignable_v<View>)
            view_ = View{};
    }

    View view_;
    shared_buffer buffer_;
};

namespace detail {

/// What other parts of kwire may do with held values.
struct held_access {
    /// Calls `f` with the view and the buffer, which may be moved from; afterwards there is neither. If `f`
    /// throws, it has moved from nothing.
    template <class View, class F>
    static auto consume(held<View>& from, F&& f) {
        auto result = f(std::as_const(from.view_), std::move(from.buffer_));
        from.forget();
        from.buffer_ = {};
        return result;
    }
};

} // namespace detail

} // namespace kwire::inline KWIRE_ABI
