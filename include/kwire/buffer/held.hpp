/// A view and the buffer that keeps its bytes alive, as one value.
///
///     kwire::held<kwire::fetch_request::view> request = ...;
///     for (auto topic : request->topics()) names.push_back(request.hold(topic.topic())); // O(1), no copy
#pragma once

#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/detail/config.hpp>

#include <concepts>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace kwire {

namespace detail {

/// A view that can say where its bytes lie: `bytes_of(view)`, found by argument-dependent lookup.
template <class View>
concept knows_its_bytes = requires(const View& view) {
    { bytes_of(view) } -> std::convertible_to<std::span<const std::byte>>;
};

} // namespace detail

/// Keeps the bytes under `View` alive: the view plus one reference on their buffer.
///
/// A value: copies share the bytes in O(1) and never allocate, moves are cheap. After a move the source has
/// no bytes, and a default view where View has one. Whatever the view hands out (sub-views, strings, spans)
/// is good as long as some held or shared_buffer on the same memory lives; hold() makes one for any part, in
/// O(1). A temporary held gives no access: `(*parse(...))->field()` does not compile into a dangling view.
///
/// Threads: as shared_buffer. Held values on one buffer may be used, copied and destroyed on different
/// threads.
template <class View>
class held {
public:
    using view_type = View;

    held()
        requires std::default_initializable<View>
    = default;
    /// The caller vouches that `view` lies in `buffer`, or in memory that outlives it.
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
    /// The buffer alone, with this reference: the way to try_into_unique() of buffer.hpp.
    [[nodiscard]] shared_buffer buffer() && noexcept {
        shared_buffer out = std::move(buffer_);
        forget();
        return out;
    }

    /// A part of the view, held on its own. Where the type has `bytes_of(part)`, that is checked to lie
    /// inside: a part of something else ends the program, since it would dangle. Other types are the caller's
    /// word.
    template <std::copyable V>
        requires(!std::convertible_to<const V&, std::span<const std::byte>> &&
                 !std::convertible_to<const V&, std::string_view>)
    [[nodiscard]] held<V> hold(V part) const {
        if constexpr (detail::knows_its_bytes<V>)
            detail::require(buffer_.slice_of(bytes_of(part)).has_value());
        return held<V>(std::move(part), buffer_);
    }

    /// These bytes as a buffer of their own: an O(1) slice where they lie in buffer().
    ///
    /// Bytes from elsewhere, such as the default of a string that this version does not carry, are copied and
    /// counted, so that the result is right whatever an accessor returned.
    [[nodiscard]] shared_buffer hold(std::span<const std::byte> part) const { return slice_or_copy(part); }
    [[nodiscard]] shared_buffer hold(std::string_view part) const { return slice_or_copy(part); }

private:
    template <class Part>
    [[nodiscard]] shared_buffer slice_or_copy(Part part) const {
        if (auto slice = buffer_.slice_of(part)) return *std::move(slice);
        return shared_buffer::copy_of(part);
    }
    void forget() noexcept {
        if constexpr (std::is_nothrow_default_constructible_v<View> &&
                      std::is_nothrow_move_assignable_v<View>)
            view_ = View{};
    }

    View view_;
    shared_buffer buffer_;
};

} // namespace kwire
