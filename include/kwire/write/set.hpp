/// Sets fields of a fixed width in place, in bytes that have one owner.
///
///     auto response = kwire::edit(*std::move(parsed));           // refused if others share the bytes
///     if (!response) return refuse(response.error());
///     kwire::set<"throttle_time_ms">(*response, 500);
///     for (auto topic : response->topics())
///         for (auto partition : topic.partitions()) {
///             kwire::set<"leader_id">(*response, partition, partition.leader_id() + 1000);
///             kwire::set_element<"isr_nodes">(*response, partition, 0, 1001);
///         }
///     auto changed = std::move(*response).freeze();              // a message as before
///
/// A proxy changes a field of a message that came in a frame, and sends the whole frame on:
///
///     send(*kwire::with_length(std::move(*response).freeze().frame()));
///
/// Lengths, counts and markers cannot be set, so what was checked stays true, and views of the message stay
/// valid and show the new values. Fields are those of the message itself, of structs in it, and tagged ones
/// that are there. reflect/set.hpp sets values of a dynamic view.
#pragma once

#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/expected.hpp>
#include <kwire/read/edit.hpp>
#include <kwire/schema/detail/view.hpp>
#include <kwire/wire/endian.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

namespace kwire {

namespace detail {

/// Where the `width` bytes at `at` may be written; an error if they do not lie in `owned`.
[[nodiscard]] KWIRE_NOINLINE inline expected<std::byte*, error>
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
    return unexpected(e);
}

template <class T>
void store_scalar(std::byte* at, T value) noexcept {
    if constexpr (std::is_same_v<T, bool>)
        *at = std::byte{value};
    else if constexpr (std::is_same_v<T, uuid>)
        std::ranges::copy(value.bytes, at);
    else if constexpr (std::is_enum_v<T>)
        wire::store_be(at, static_cast<std::underlying_type_t<T>>(value));
    else
        wire::store_be(at, value);
}

template <class T>
[[nodiscard]] expected<void, error> write_scalar(std::span<std::byte> owned, const std::byte* at,
                                                 const field_info& field, int version, T value) noexcept {
    const auto place = place_to_write(owned, at, sizeof(T), field, version);
    if (!place) return unexpected(place.error());
    store_scalar(*place, value);
    return {};
}

/// The type of a field that can be set, or of the elements of one whose elements can be.
template <class S, name_literal Name, bool Found = (find_field<S, Name>() < field_count<S>)>
struct settable {
    static constexpr const field_info& field = tables_of<S>::fields[field_index<S, Name>];
    static_assert(width_of(field.element) != 0, "only what has a fixed width can be set in place");
    using type = typename scalar_of<field.element, field.enumerators>::type;
};
template <class S, name_literal Name>
struct settable<S, Name, false> {
    static_assert(find_field<S, Name>() < field_count<S>, "the struct has no field of this name");
    struct type {};
};

} // namespace detail

/// Sets a field of `part`, a view of bytes that lie in `owned`, which no one may read meanwhile.
///
/// For callers who own the bytes in a way of their own. Errors: field_not_in_version; field_absent where the
/// bytes do not hold the field, since its tag or its struct is not there or `part` is a view of other bytes.
template <name_literal Name, class S, int V>
[[nodiscard]] expected<void, error> set(std::span<std::byte> owned, const struct_view<S, V>& part,
                                        typename detail::settable<S, Name>::type value) noexcept {
    constexpr std::size_t index = field_index<S, Name>;
    static constexpr const field_info& field = detail::tables_of<S>::fields[index];
    static_assert(field.kind != field_kind::array, "set_element sets one element of an array");
    return detail::write_scalar(owned, detail::view_access::find(part, index, field.tag >= 0), field,
                                version_of(part), value);
}

/// Sets the field called `Name` of `part`, which `message` or a view out of it shows. Errors: as above.
template <name_literal Name, class M, int W, class S, int V>
[[nodiscard]] expected<void, error> set(editable<M, W>& message, const struct_view<S, V>& part,
                                        typename detail::settable<S, Name>::type value) noexcept {
    return set<Name>(message.bytes(), part, value);
}

/// Sets a field of the message itself. Errors: as above.
template <name_literal Name, class M, int W>
[[nodiscard]] expected<void, error> set(editable<M, W>& message,
                                        typename detail::settable<M, Name>::type value) noexcept {
    return set<Name>(message.bytes(), message.view(), value);
}

/// Sets element `i` of an array of numbers, booleans or uuids. Errors: as above, and bad_value if there are
/// no more than `i` elements.
template <name_literal Name, class M, int W, class S, int V>
[[nodiscard]] expected<void, error> set_element(editable<M, W>& message, const struct_view<S, V>& part,
                                                std::size_t i,
                                                typename detail::settable<S, Name>::type value) noexcept {
    constexpr std::size_t index = field_index<S, Name>;
    static constexpr const field_info& field = detail::tables_of<S>::fields[index];
    static_assert(field.kind == field_kind::array, "set sets a field that is not an array");
    const std::byte* at = detail::view_access::find(part, index, field.tag >= 0);
    if (at != nullptr) {
        const detail::raw_array array = get<index>(part);
        if (i >= array.count) {
            error e{.code = errc::bad_value, .version = version_of(part), .located = false};
            e.enter({field.name, static_cast<std::int64_t>(i)});
            return unexpected(e);
        }
        at = array.elements + i * sizeof value;
    }
    return detail::write_scalar(message.bytes(), at, field, version_of(part), value);
}

} // namespace kwire
