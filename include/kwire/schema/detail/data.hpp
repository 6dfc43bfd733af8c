/// The members of `data` structs beside the fields that they stand for.
///
/// A `data` struct is a plain aggregate with one member per field, in the schema's order, each initialised to
/// the schema's default; the last member of a message with flexible versions is `unknown_tags`. Strings and
/// arrays are owned, arrays of numbers in a `scalar_list`; null is an empty optional. Bytes are a
/// `shared_buffer`; records are a `buffer_chain`, so that the batches of one answer may lie in many places
/// and still go out by reference. (It is a template only so that programs that read and never write need not
/// compile it.)
#pragma once

#include <kwire/schema/detail/layout.hpp>
#include <kwire/schema/detail/members.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace kwire::detail {

/// Whether the `data` of `S` ends in `unknown_tags`.
template <class S>
inline constexpr bool keeps_tags = message_of<S>::facts.first_flexible <= message_of<S>::facts.versions.last;

template <class S>
inline constexpr std::size_t member_count = field_count<S> + (keeps_tags<S> ? 1 : 0);

/// Calls `f(index, member)` for every field's member of `object`, in order, as long as `f` returns true.
template <class S, class Data, class F>
constexpr bool each_member(Data& object, F&& f) {
    if constexpr (member_count<S> == 0)
        return true;
    else
        return with_members<member_count<S>>(object, [&]<class... Members>(Members&... members) {
            return [&]<std::size_t... I>(std::index_sequence<I...>) {
                [[maybe_unused]] const auto one =
                    [&]<std::size_t At>(std::integral_constant<std::size_t, At> index, auto& member) {
                        if constexpr (At < field_count<S>)
                            return f(index, member);
                        else
                            return true; // unknown_tags
                    };
                return (one(std::integral_constant<std::size_t, I>{}, members) && ...);
            }(std::make_index_sequence<sizeof...(Members)>{});
        });
}

} // namespace kwire::detail
