/// Changes to fields of fixed width where they lie, in bytes that nobody else holds.
///
///     auto response = kwire::make_writable(std::move(*parsed)); // refused if somebody shares the bytes
///     if (!response) return response.error();
///     kwire::set<"throttle_time_ms">(*response, 500);
///     for (auto topic : (*response)->topics())
///         for (auto partition : topic.partitions()) {
///             kwire::set<"leader_id">(*response, partition, partition.leader_id() + 1000);
///             kwire::set_element<"isr_nodes">(*response, partition, 0, 1001);
///         }
///     auto changed = std::move(*response).freeze();              // held as before
///
/// A proxy does the same with the frame, of which it changes one field and sends all:
///
///     auto answer = kwire::make_writable<kwire::metadata_response>(std::move(frame)); // a response_frame
///     kwire::set<"throttle_time_ms">(*answer, 0);
///     send(*kwire::with_length(std::move(*answer).freeze().buffer()));
///
/// Lengths, counts and markers cannot be set, so whatever was checked stays true, and views of the message
/// stay good and show the new values. Fields are those of the message itself, of structs in it, and tagged
/// ones that are there. Values of a dynamic view are set in the same way:
///
///     kwire::set(*message, view.field(3), 500);
#pragma once

#include <kwire/buffer/held.hpp>
#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/read/result.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <type_traits>
#include <utility>

namespace kwire {

/// Makes a view of the same bytes elsewhere.
template <class S, int V>
void move_view(struct_view<S, V>& view, const std::byte* base) noexcept {
    detail::view_access::move_to(view, base);
}

template <class View>
class writable;
template <class M, class Frame>
class typed_frame; // dispatch.hpp

namespace detail {

/// Where the `width` bytes at `at` may be written; an error if they do not lie in `owned`.
[[nodiscard]] KWIRE_NOINLINE inline std::expected<std::byte*, error>
place_to_write(std::span<std::byte> owned, const std::byte* at, std::size_t width, const field_info& field,
               int version) noexcept {
    if (at != nullptr) {
        const std::size_t offset = distance_from(owned.data(), at);
        if (offset < owned.size() && width <= owned.size() - offset) return owned.data() + offset;
    }
    error e{.code = field.versions.contains(version) ? errc::field_absent : errc::field_not_in_version,
            .version = static_cast<std::int16_t>(version),
            .located = false};
    e.enter({field.name});
    return std::unexpected(e);
}

template <class T>
void store_scalar(std::byte* at, T value) noexcept {
    if constexpr (std::is_same_v<T, bool>)
        *at = std::byte{value};
    else if constexpr (std::is_same_v<T, uuid>)
        std::ranges::copy(value.bytes, at);
    else
        wire::store_be(at, value);
}

template <class T>
[[nodiscard]] std::expected<void, error> write_scalar(std::span<std::byte> owned, const std::byte* at,
                                                      const field_info& field, int version,
                                                      T value) noexcept {
    const auto place = place_to_write(owned, at, sizeof(T), field, version);
    if (!place) return std::unexpected(place.error());
    store_scalar(*place, value);
    return {};
}

/// The type of a field that can be set, or of the elements of one whose elements can be.
template <class S, name_literal Name, bool Found = (find_field<S, Name>() < field_count<S>)>
struct settable {
    static constexpr const field_info& field = tables_of<S>::fields[field_index<S, Name>];
    static_assert(width_of(field.element) != 0, "only what has a fixed width can be set in place");
    using type = typename scalar_of<field.element>::type;
};
template <class S, name_literal Name>
struct settable<S, Name, false> {
    static_assert(find_field<S, Name>() < field_count<S>, "the struct has no field of this name");
    struct type {};
};

template <class View>
struct struct_behind;
template <class View>
    requires requires(const View& view) { version_of(view); }
struct struct_behind<View> {
    template <class S, int V>
    static std::type_identity<S> test(const struct_view<S, V>& view);
    using type = typename decltype(test(std::declval<const View&>()))::type;
};

} // namespace detail

/// A view and the only reference on its bytes. Made by make_writable; `freeze` makes it a held view again.
///
/// Move-only. What it hands out is good as long as it lives, and then as long as what `freeze` returned.
template <class View>
class writable {
public:
    writable(writable&&) noexcept = default;
    writable& operator=(writable&&) noexcept = default;

    [[nodiscard]] const View& view() const& noexcept KWIRE_LIFETIMEBOUND { return view_; }
    const View& view() const&& = delete;
    [[nodiscard]] const View& operator*() const& noexcept KWIRE_LIFETIMEBOUND { return view_; }
    const View& operator*() const&& = delete;
    [[nodiscard]] const View* operator->() const& noexcept KWIRE_LIFETIMEBOUND { return &view_; }
    const View* operator->() const&& = delete;

    /// All bytes of the buffer, which the view may be a part of. Whoever writes to them in another way than
    /// by `set` must know what is checked and trusted.
    [[nodiscard]] std::span<std::byte> bytes() & noexcept KWIRE_LIFETIMEBOUND { return bytes_.span(); }

    /// The message with its changes, to be read, held and shared. O(1).
    [[nodiscard]] held<View> freeze() && noexcept {
        return held<View>(std::move(view_), std::move(bytes_).freeze());
    }

private:
    template <class V>
    friend result<writable<V>> make_writable(held<V>&& message, if_shared policy);
    writable(const View& view, unique_buffer bytes) noexcept : view_(view), bytes_(std::move(bytes)) {}

    View view_;
    unique_buffer bytes_;
};

/// Makes a message writable if it is the only holder of its bytes, or else a copy of it if that is asked for.
///
/// Errors: buffer_shared if others hold the buffer or the view lies elsewhere, buffer_read_only if its memory
/// was lent to be read; then `message` is as it was.
template <class View>
[[nodiscard]] result<writable<View>> make_writable(held<View>&& message,
                                                   if_shared policy = if_shared::refuse) {
    View view = message.view();
    const std::span<const std::byte> covered = bytes_of(view);
    const auto refused = [](errc code) { return std::unexpected(error{.code = code, .located = false}); };
    if (!message.buffer().slice_of(covered)) return refused(errc::buffer_shared);
    const std::byte* const before = message.buffer().data();
    auto bytes = std::move(message).buffer().try_into_unique();
    if (bytes) return writable<View>(view, *std::move(bytes));
    message = held<View>(view, std::move(bytes).error());
    if (policy == if_shared::refuse) return refused(detail::buffer_access::refusal(message.buffer()));

    unique_buffer copy = unique_buffer::with_capacity(message.buffer().size());
    copy.append(message.buffer());
    if (!covered.empty()) move_view(view, copy.data() + detail::distance_from(before, covered.data()));
    static_cast<void>(std::move(message).buffer()); // whose bytes the view no longer shows
    return writable<View>(view, std::move(copy));
}

namespace detail {

/// A frame has two references on its bytes, for header and body: here they become one.
struct writable_access {
    /// What a frame that is refused holds again is what it held before.
    template <class View, class Frame>
    static result<writable<View>> in_whole_frame(Frame& frame, const View& view, if_shared policy) {
        const auto header = frame.header_.view();
        const std::size_t before_body = frame.header_.buffer().size() - frame.body_.size();
        held<View> whole(view, std::move(frame).buffer());
        auto out = make_writable(std::move(whole), policy);
        if (!out) {
            shared_buffer bytes = std::move(whole).buffer();
            frame.body_ = buffer_access::slice(bytes, before_body, bytes.size() - before_body);
            frame.header_ = {header, std::move(bytes)};
        }
        return out;
    }
    template <class M, class Frame>
    static Frame& frame_of(typed_frame<M, Frame>& message) noexcept {
        return message.frame_;
    }
};

} // namespace detail

/// Makes a message that `dispatch` hands out writable together with its header: `freeze().buffer()` is the
/// whole frame then, which `with_length` (frame.hpp) makes ready to be sent on.
///
/// Errors: as above, and then `message` is as it was.
template <class M, class Frame>
[[nodiscard]] result<writable<typename M::view>> make_writable(typed_frame<M, Frame>&& message,
                                                               if_shared policy = if_shared::refuse) {
    const typename M::view view = message.view();
    return detail::writable_access::in_whole_frame(detail::writable_access::frame_of(message), view, policy);
}

/// The same for a request_frame or response_frame whose body is `M`: checks it first. Errors: those of
/// `parse` too.
template <class M, class Frame>
    requires requires(const Frame& frame) {
        { frame.body() } -> std::same_as<const shared_buffer&>;
        { frame.api_version() } -> std::same_as<std::int16_t>;
    }
[[nodiscard]] result<writable<typename M::view>>
make_writable(Frame&& frame, if_shared policy = if_shared::refuse, parse_options options = {}) {
    static_assert(!std::is_lvalue_reference_v<Frame>, "moved in, or else its sender holds the bytes too");
    const auto view = parse_view<M>(frame.body().span(), frame.api_version(), options);
    if (!view) return std::unexpected(view.error());
    return detail::writable_access::in_whole_frame(frame, *view, policy);
}

/// Sets a field of `part`, a view of bytes that lie in `owned`, which nobody may read meanwhile.
///
/// For callers who own the bytes in a way of their own. Errors: field_not_in_version; field_absent where the
/// bytes do not hold the field, since its tag or its struct is not there or `part` is a view of other bytes.
template <name_literal Name, class S, int V>
[[nodiscard]] std::expected<void, error> set(std::span<std::byte> owned, const struct_view<S, V>& part,
                                             typename detail::settable<S, Name>::type value) noexcept {
    constexpr std::size_t index = field_index<S, Name>;
    static constexpr const field_info& field = detail::tables_of<S>::fields[index];
    static_assert(field.kind != field_kind::array, "set_element sets one element of an array");
    return detail::write_scalar(owned, detail::view_access::find(part, index, field.tag >= 0), field,
                                version_of(part), value);
}

/// Sets the field called `Name` of `part`, which `message` or a view out of it shows. Errors: as above.
template <name_literal Name, class View, class S, int V>
[[nodiscard]] std::expected<void, error> set(writable<View>& message, const struct_view<S, V>& part,
                                             typename detail::settable<S, Name>::type value) noexcept {
    return set<Name>(message.bytes(), part, value);
}

/// Sets a field of the message itself. Errors: as above.
template <name_literal Name, class View>
[[nodiscard]] std::expected<void, error>
set(writable<View>& message,
    typename detail::settable<typename detail::struct_behind<View>::type, Name>::type value) noexcept {
    return set<Name>(message.bytes(), message.view(), value);
}

/// Sets element `i` of an array of numbers, booleans or uuids. Errors: as above, and bad_value if there are
/// no more than `i` elements.
template <name_literal Name, class View, class S, int V>
[[nodiscard]] std::expected<void, error>
set_element(writable<View>& message, const struct_view<S, V>& part, std::size_t i,
            typename detail::settable<S, Name>::type value) noexcept {
    constexpr std::size_t index = field_index<S, Name>;
    static constexpr const field_info& field = detail::tables_of<S>::fields[index];
    static_assert(field.kind == field_kind::array, "set sets a field that is no array");
    const std::byte* at = detail::view_access::find(part, index, field.tag >= 0);
    if (at != nullptr) {
        const detail::raw_array array = get<index>(part);
        if (i >= array.count) {
            error e{.code = errc::bad_value, .version = version_of(part), .located = false};
            e.enter({field.name, static_cast<std::int64_t>(i)});
            return std::unexpected(e);
        }
        at = array.elements + i * sizeof value;
    }
    return detail::write_scalar(message.bytes(), at, field, version_of(part), value);
}

} // namespace kwire
