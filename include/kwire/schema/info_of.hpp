/// The fields of a struct or message, by type: for code that works on any message.
///
///     constexpr auto port = kwire::field_index<kwire::metadata_response::broker, "port">;
///     static_assert(kwire::info_of<kwire::metadata_response::broker>.fields[port].kind ==
///     kwire::field_kind::int32);
#pragma once

#include <kwire/schema/detail/draft.hpp>

#include <cstddef>

namespace kwire::inline KWIRE_ABI {

/// The fields, layouts and sizes of the struct or message `S`. Static storage.
template <class S>
inline constexpr const struct_info& info_of = detail::tables_of<S>::info;

namespace detail {

/// Type number `N` of a list; void if `N` is the number of types or more.
template <std::size_t N, class... Types>
struct type_at {
    using type = void;
};
template <class First, class... Rest>
struct type_at<0, First, Rest...> {
    using type = First;
};
template <std::size_t N, class First, class... Rest>
struct type_at<N, First, Rest...> : type_at<N - 1, Rest...> {};

/// The number of the struct that field `i` holds among those that the list names; if the field holds none,
/// the number of all of them.
template <class Message, std::size_t Count, class... Children>
consteval std::size_t child_number(const field_list<Message, Count, Children...>& list, std::size_t i) {
    if (list.fields[i].element != field_kind::structure) return sizeof...(Children);
    std::size_t number = 0;
    for (std::size_t before = 0; before < i; ++before)
        if (list.fields[before].element == field_kind::structure) ++number;
    return number;
}

template <std::size_t Number, class List>
struct child_at;
template <std::size_t Number, class Message, std::size_t Count, class... Children>
struct child_at<Number, const field_list<Message, Count, Children...>> : type_at<Number, Children...> {};

template <class S, name_literal Name>
consteval std::size_t find_field() {
    for (std::size_t i = 0; i < field_count<S>; ++i)
        if (tables_of<S>::fields[i].name == Name.view()) return i;
    return field_count<S>;
}

} // namespace detail

/// The struct that field `I` of the struct `S` holds, alone or as an array's element; void if it holds none.
template <class S, std::size_t I>
using child_of = typename detail::child_at<detail::child_number(S::template fields<>, I),
                                           decltype(S::template fields<>)>::type;

/// The number of the field called `Name` of the struct `S`: `field_index<metadata_request::topic, "name">` is
/// 1.
template <class S, name_literal Name>
    requires(detail::find_field<S, Name>() < detail::field_count<S>)
inline constexpr std::size_t field_index = detail::find_field<S, Name>();

} // namespace kwire::inline KWIRE_ABI
