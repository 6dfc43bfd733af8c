/// Views of the front of a struct, for `check_and_visit`, which hands it over before the rest is checked.
///
///     const auto begin = [&](const kwire::before<"partitions", kwire::metadata_response::topic::view>& topic) {
///         print(topic.name(), topic.topic_id()); // topic.topic_authorized_operations() does not compile
///     };
#pragma once

#include <kwire/schema/detail/view.hpp>
#include <kwire/schema/info_of.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace kwire::inline KWIRE_ABI {

namespace detail {

/// The version of views of the fields before field `I` of a struct, at `version`.
consteval int front_version(std::size_t field, int version) {
    return (static_cast<int>(field) + 1) * first_front_version + version + 1;
}
/// The number of the field that ends such a front.
consteval std::size_t front_end(int version) {
    return static_cast<std::size_t>(version / first_front_version - 1);
}

struct front_access;

template <name_literal Field, class S, int V>
consteval auto front_of(const struct_view<S, V>*) {
    static_assert(detail::find_field<S, Field>() < detail::field_count<S>, "the struct has no such field");
    constexpr std::size_t field = detail::find_field<S, Field>();
    static_assert(tables_of<S>::fields[field].element == field_kind::structure,
                  "the struct is handed over before fields that hold structs, and this one holds none");
    static_assert(tables_of<S>::fields[field].tag < 0,
                  "tagged fields are at the end of a struct: the view of all of it has those before");
    return std::type_identity<typename S::template basic_view<front_version(field, V)>>{};
}

} // namespace detail

/// A view of the fields before the field `Field`, which holds structs. Its accessors are those
/// of `View`, as far as they are of such fields: others do not compile.
///
/// It points at the bytes of the message, as all views, and is valid while they are.
template <name_literal Field, class View>
using before = typename decltype(detail::front_of<Field>(static_cast<const View*>(nullptr)))::type;

namespace detail {
template <class S, int V>
    requires(V < first_front_version)
void take_whole(const struct_view<S, V>&);
} // namespace detail

/// A view of a whole struct: for visitors with one function for all structs.
template <class View>
concept whole_view = requires(const View& view) { detail::take_whole(view); };

/// The base of views of the front of a struct.
template <class S, int V>
    requires(V >= detail::first_front_version)
class struct_view<S, V> {
    friend struct detail::front_access;

public:
    /// An empty view; assign to it before use.
    struct_view() noexcept = default;

private:
    struct_view<S, detail::whole_version(V)> whole_;
};

namespace detail {

struct front_access {
    /// Field number `I` and those after it were not read yet.
    template <std::size_t I, class S, int V>
    KWIRE_ALWAYS_INLINE static auto make(const struct_view<S, V>& whole) noexcept {
        typename S::template basic_view<front_version(I, V)> front;
        front.whole_ = whole;
        return front;
    }
    template <class S, int V>
    static const auto& whole(const struct_view<S, V>& front) noexcept {
        return front.whole_;
    }
};

} // namespace detail

/// Field `I` of the front of a struct.
template <std::size_t I, class S, int V>
    requires(V >= detail::first_front_version)
[[nodiscard]] auto get(const struct_view<S, V>& front) noexcept {
    static_assert(I < detail::front_end(V) && detail::tables_of<S>::fields[I].tag < 0,
                  "this field comes after the structs that are handed over next: take the view of the "
                  "whole struct, which is handed over when all of it is checked");
    return get<I>(detail::front_access::whole(front));
}

/// The version that the front was read at.
template <class S, int V>
    requires(V >= detail::first_front_version)
[[nodiscard]] std::int16_t version_of(const struct_view<S, V>& front) noexcept {
    return version_of(detail::front_access::whole(front));
}

/// Where a struct ends is not known yet.
template <class S, int V>
    requires(V >= detail::first_front_version)
std::span<const std::byte> bytes_of(const struct_view<S, V>&) = delete;

} // namespace kwire::inline KWIRE_ABI
