/// Sets fields that are known at run time only, in place.
///
///     auto message = kwire::edit(*std::move(parsed));            // typed or dynamic
///     kwire::set(*message, view.field(3), 500);                  // a value of a dynamic view of the message
#pragma once

#include <kwire/expected.hpp>
#include <kwire/reflect/dynamic.hpp>
#include <kwire/write/set.hpp>

#include <concepts>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

namespace kwire {

namespace detail {

[[nodiscard]] inline unexpected<error> refused_value(const dynamic_value& where) noexcept {
    error e{.code = errc::bad_value,
            .version = static_cast<std::int16_t>(dynamic_access::version(where)),
            .located = false};
    e.enter({where.info().name});
    return unexpected(e);
}

template <class T>
[[nodiscard]] expected<void, error> write_dynamic(std::span<std::byte> owned, const dynamic_value& where,
                                                  T value) noexcept {
    return write_scalar(owned, dynamic_access::at(where), where.info(), dynamic_access::version(where),
                        value);
}

[[nodiscard]] KWIRE_NOINLINE inline expected<void, error>
write_integer(std::span<std::byte> owned, const dynamic_value& where, std::int64_t value) noexcept {
    const auto write_as = [&]<class T>(std::type_identity<T>) -> expected<void, error> {
        if (!std::in_range<T>(value)) return refused_value(where);
        return write_dynamic(owned, where, static_cast<T>(value));
    };
    switch (where.kind()) {
    case field_kind::boolean:
        if (value != 0 && value != 1) return refused_value(where);
        return write_dynamic(owned, where, value != 0);
    case field_kind::int8: return write_as(std::type_identity<std::int8_t>{});
    case field_kind::int16: return write_as(std::type_identity<std::int16_t>{});
    case field_kind::uint16: return write_as(std::type_identity<std::uint16_t>{});
    case field_kind::int32: return write_as(std::type_identity<std::int32_t>{});
    case field_kind::uint32: return write_as(std::type_identity<std::uint32_t>{});
    case field_kind::int64: return write_as(std::type_identity<std::int64_t>{});
    default: return refused_value(where);
    }
}

} // namespace detail

/// Sets a field that is known at run time, or an element of an array: integers, and booleans as 0 and 1.
///
/// `where` is a value of a dynamic view of the message, from `as_dynamic` if need be. Errors: those of the
/// other forms; bad_value for what the field cannot hold, and so for every field without a fixed width.
template <class M, int V, std::integral Integer>
[[nodiscard]] expected<void, error> set(editable<M, V>& message, const dynamic_value& where,
                                        Integer value) noexcept {
    if constexpr (!std::is_same_v<Integer, bool>)
        if (!std::in_range<std::int64_t>(value)) return detail::refused_value(where);
    return detail::write_integer(message.bytes(), where, static_cast<std::int64_t>(value));
}
/// The same for a float64,
template <class M, int V, std::floating_point Real>
[[nodiscard]] expected<void, error> set(editable<M, V>& message, const dynamic_value& where,
                                        Real value) noexcept {
    if (where.kind() != field_kind::float64) return detail::refused_value(where);
    return detail::write_dynamic(message.bytes(), where, static_cast<double>(value));
}
/// and for a uuid.
template <class M, int V>
[[nodiscard]] expected<void, error> set(editable<M, V>& message, const dynamic_value& where,
                                        const uuid& value) noexcept {
    if (where.kind() != field_kind::uuid) return detail::refused_value(where);
    return detail::write_dynamic(message.bytes(), where, value);
}

} // namespace kwire
