/// Whether two messages mean the same, as `data` structs or as views.
///
///     if (!kwire::same_content(before, after)) changed();                          // data structs
///     if (!kwire::same_content(*one, *other)) changed();                           // views
///
/// The same are values, not bytes: how varints are padded, whether a tag with its default is there and the
/// order of unknown tags make no difference. Every bit of every number does, so that NaN is itself
/// and -0.0 is not 0.0; so do null or empty, the order of arrays, and number and payload of unknown tags.
#pragma once

#include <kwire/read/unknown_tags.hpp>
#include <kwire/reflect/dynamic.hpp>
#include <kwire/schema/detail/data.hpp>
#include <kwire/write/encode.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace kwire::inline KWIRE_ABI {

/// Two views of one type of message or struct, whose versions may differ. dynamic.hpp has the same for
/// dynamic views.
template <class S, int V, int W>
[[nodiscard]] bool same_content(const struct_view<S, V>& a, const struct_view<S, W>& b) {
    return same_content(as_dynamic(a), as_dynamic(b));
}

template <class S>
[[nodiscard]] bool same_content(const typename S::data& a, const typename S::data& b);

namespace detail {

/// Even if their order is not the one that `encode` asks for. Each number is there once.
inline bool same_tags(const unknown_tag_list& a, const unknown_tag_list& b) {
    if (a == b) return true;
    if (a.size() != b.size()) return false;
    const auto sorted = [](unknown_tag_list tags) {
        std::ranges::sort(tags, {}, &unknown_tag::number);
        return tags;
    };
    return sorted(a) == sorted(b);
}

template <class S, std::size_t I, class Value>
bool same_member(const Value& a, const Value& b) {
    if constexpr (I == field_count<S>) {
        return same_tags(a, b);
    } else {
        static constexpr const field_info& field = tables_of<S>::fields[I];
        const auto same_value = [](const auto& one, const auto& other) {
            if constexpr (field.kind == field_kind::structure)
                return same_content<child_of<S, I>>(one, other);
            else if constexpr (field.kind == field_kind::array && field.element == field_kind::structure)
                return std::ranges::equal(one, other, [](const auto& x, const auto& y) {
                    return same_content<child_of<S, I>>(x, y);
                });
            else if constexpr (field.kind == field_kind::float64)
                return std::bit_cast<std::uint64_t>(one) == std::bit_cast<std::uint64_t>(other);
            else
                return one == other;
        };
        return member_is_null(a) == member_is_null(b) &&
               (member_is_null(a) || same_value(member_value(a), member_value(b)));
    }
}

} // namespace detail

/// Two `data` structs of the message or struct `S`.
template <class S>
[[nodiscard]] bool same_content(const typename S::data& a, const typename S::data& b) {
    constexpr std::size_t count = detail::member_count<S>;
    if constexpr (count == 0)
        return true;
    else
        return detail::with_members<count>(a, [&](const auto&... as) {
            return detail::with_members<count>(b, [&](const auto&... bs) {
                return [&]<std::size_t... I>(std::index_sequence<I...>) {
                    return (detail::same_member<S, I>(as, bs) && ...);
                }(std::make_index_sequence<count>{});
            });
        });
}

/// The same, where the type of the structs says what they are the data of.
template <class Data>
    requires std::is_same_v<typename Data::struct_type::data, Data>
[[nodiscard]] bool same_content(const Data& a, const Data& b) {
    return same_content<typename Data::struct_type>(a, b);
}

} // namespace kwire::inline KWIRE_ABI
