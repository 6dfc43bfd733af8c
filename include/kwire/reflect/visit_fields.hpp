/// Every field of a view in turn, for code that is the same for all messages.
///
///     kwire::visit_fields(view, [](const kwire::field_info& field, const auto& value) {
///         show(field.name, value);
///     });
#pragma once

#include <kwire/read/array.hpp>
#include <kwire/schema/detail/view.hpp>

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

namespace kwire::inline KWIRE_ABI {

/// Calls `f(info, value)` for every field of a view in the schema's order: `info` is the constexpr
/// description, `value` what the accessor shows, arrays as `array_of` and `nullable_array_of`.
template <class S, int V, class F>
constexpr void visit_fields(const struct_view<S, V>& view, F&& f) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        [[maybe_unused]] const auto one = [&]<std::size_t At>(std::integral_constant<std::size_t, At>) {
            static constexpr const field_info& field = detail::tables_of<S>::fields[At];
            if constexpr (field.kind == field_kind::array) {
                const auto pass = [&]<class E>(std::type_identity<E>) {
                    if constexpr (field.nullable.empty())
                        f(field, array_of<E>(get<At>(view)));
                    else
                        f(field, nullable_array_of<E>(get<At>(view)));
                };
                pass(std::type_identity<typename detail::shown_type<S, At, V>::type>{});
            } else {
                f(field, get<At>(view));
            }
        };
        (one(std::integral_constant<std::size_t, I>{}), ...);
    }(std::make_index_sequence<detail::field_count<S>>{});
}

} // namespace kwire::inline KWIRE_ABI
