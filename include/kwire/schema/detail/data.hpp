/// The members of `data` structs beside the fields that they stand for.
///
/// A `data` struct is a plain aggregate with one member per field, in the schema's order, each initialised to
/// the schema's default; the last member of a message with flexible versions is `unknown_tags`, and the
/// member type `struct_type` is the struct or message that it is the data of. Strings and arrays are owned,
/// arrays of numbers in a `scalar_list`; bytes are a `shared_buffer`. What may be null is a `std::optional`,
/// an array a `nullable_list`.
///
/// Records are a `payload`, so that the batches of one answer may lie in many places and still go out by
/// reference. It is empty at first although the schema's default is null: peers such as librdkafka refuse
/// null. Both count as the default, which versions without the field can do without.
#pragma once

#include <kwire/schema/detail/members.hpp>
#include <kwire/schema/info_of.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace kwire::inline KWIRE_ABI::detail {

/// Whether the `data` of `S` ends in `unknown_tags`.
template <class S>
inline constexpr bool keeps_tags = message_of<S>::facts.first_flexible <= message_of<S>::facts.versions.last;

template <class S>
inline constexpr std::size_t member_count = field_count<S> + (keeps_tags<S> ? 1 : 0);

/// The `data` of a whole message.
template <class Data>
concept message_data = std::is_same_v<typename Data::struct_type::data, Data> &&
                       std::is_same_v<message_of<typename Data::struct_type>, typename Data::struct_type>;

/// Whether a member is null: an optional, or a type with a null state of its own.
template <class Member>
constexpr bool member_is_null(const Member& member) noexcept {
    if constexpr (requires { member.is_null(); })
        return member.is_null();
    else if constexpr (requires { member.has_value(); })
        return !member.has_value();
    else
        return false;
}
/// The value of a member that is not null.
template <class Member>
constexpr const auto& member_value(const Member& member) noexcept {
    if constexpr (requires { member.has_value(); })
        return *member;
    else
        return member;
}

/// Calls `f(index, member)` for every field's member of `object`, in order, while `f` returns true.
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

template <std::size_t I, class First, class... Rest>
constexpr const auto& nth(const First& first, const Rest&... rest) noexcept {
    if constexpr (I == 0)
        return first;
    else
        return nth<I - 1>(rest...);
}

/// The member of field `I`.
template <class S, std::size_t I>
constexpr const auto& member_at(const typename S::data& data) noexcept {
    return with_members<member_count<S>>(
        data, [](const auto&... member) -> const auto& { return nth<I>(member...); });
}

} // namespace kwire::inline KWIRE_ABI::detail
