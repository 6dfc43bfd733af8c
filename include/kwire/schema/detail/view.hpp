/// Internal: views, as generated headers and the readers of them need them.
///
/// A view is a small value that points at bytes, never at another view. Only `parse` and other views make
/// views, so everything that a view shows was checked. It is valid while the bytes are; `message` keeps
/// them.
#pragma once

#include <kwire/schema/detail/field_access.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace kwire::inline KWIRE_ABI {

/// Field `I` of a view. Generated accessors are one call of it.
///
/// Numbers and booleans come by value; strings and bytes refer to the message's bytes, in an optional where
/// the schema allows null in any version; arrays as something that `array_of` and `nullable_array_of` are
/// made from; structs as views. A field that the bytes do not hold has the schema's default.
template <std::size_t I, class S, int V>
[[nodiscard]] KWIRE_SMALL auto get(const struct_view<S, V>& view) noexcept {
    using access = detail::field_access<S, I, V>;
    const detail::struct_layout& layout = detail::view_access::layout(view);
    if constexpr (access::always_held) {
        return access::read(layout, access::locate(view, layout));
    } else {
        const std::byte* const field = access::locate(view, layout);
        return field != nullptr ? access::read(layout, field) : access::default_value(layout);
    }
}

/// The version that a view was read at.
template <class S, int V>
[[nodiscard]] std::int16_t version_of(const struct_view<S, V>& view) noexcept {
    return detail::view_access::layout(view).version;
}

/// The bytes that a view covers, its tag section included; valid while the view's own bytes are.
///
/// None for a struct that the message does not hold, such as an absent tagged one: it shows defaults.
template <class S, int V>
[[nodiscard]] std::span<const std::byte> bytes_of(const struct_view<S, V>& view) noexcept {
    const std::byte* const base = detail::view_access::base(view);
    if constexpr (!std::is_same_v<S, message_of<S>>) {
        const std::size_t index = detail::view_access::layout(view).version_index;
        if (base == detail::default_struct<S>::bytes[index].data()) return {};
    }
    return {base, detail::view_access::end(view)};
}

} // namespace kwire::inline KWIRE_ABI
