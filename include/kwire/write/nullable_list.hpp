/// What `data` structs keep arrays in that may be null: a vector that is null, or not.
///
///     request.topics = nullptr;                         // null: in a Metadata request, all topics
///     request.topics = {};                              // empty: none
///     request.topics.push_back({.name = "orders"});     // whatever it was before
#pragma once

#include <kwire/write/detail/boxed_list.hpp>

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <utility>

namespace kwire::inline KWIRE_ABI {

/// A vector with a null state beside all those that a vector has. Null is a range without elements, as a
/// `nullable_array_of` is, and not equal to an empty list. Adding elements, `resize` and `clear` make it a
/// list again.
///
/// 8 bytes; one allocation more than a vector if it is not empty. Numbers, booleans and uuids lie in a
/// `scalar_list`, everything else in a `std::vector`, whose rules for pointers to elements apply.
template <class T>
class nullable_list : public detail::boxed_list<T> {
    using base = detail::boxed_list<T>;

public:
    /// Empty, not null.
    constexpr nullable_list() noexcept = default;
    template <std::same_as<std::nullptr_t> Null> // not of a literal 0
    constexpr nullable_list(Null) noexcept : base(nullptr) {}
    constexpr nullable_list(std::nullopt_t) noexcept : base(nullptr) {}
    nullable_list(std::initializer_list<T> elements) : base(elements) {}
    nullable_list(typename base::list_type elements) : base(std::move(elements)) {}
    template <std::input_iterator Iterator, std::sentinel_for<Iterator> Sentinel>
    nullable_list(Iterator first, Sentinel last) : base(std::move(first), std::move(last)) {}

    /// Whether the array is null, which is not the same as empty.
    using base::is_null;

    friend bool operator==(const nullable_list& a, const nullable_list& b) {
        return a.is_null() == b.is_null() && static_cast<const base&>(a) == static_cast<const base&>(b);
    }
};

} // namespace kwire::inline KWIRE_ABI
