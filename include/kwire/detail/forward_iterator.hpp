/// Internal: what the iterators of kwire's ranges share, written once.
///
///     class iterator : public detail::forward_iterator<iterator, record_view> {
///         friend detail::forward_iterator<iterator, record_view>;
///         record_view current() const noexcept;     // the element here
///         void advance() noexcept;                  // on to the next one
///         bool done() const noexcept;               // whether this is the end; only if end() is a sentinel
///         bool same_place(const iterator&) const noexcept; // compares iterators of one range
///     };
///
/// All of it is inlined always, so that an iterator costs what the four functions cost.
#pragma once

#include <kwire/detail/config.hpp>

#include <cstddef>
#include <iterator>
#include <type_traits>

namespace kwire::inline KWIRE_ABI::detail {

/// The base of `Derived`, a forward iterator whose `*` gives `Reference`: a value that is made on the way, or
/// a reference to what outlives the iterator.
template <class Derived, class Reference>
class forward_iterator {
public:
    using iterator_concept = std::forward_iterator_tag;
    /// C++17 requires of a forward iterator that `*` gives a reference; C++20 does not.
    using iterator_category = std::conditional_t<std::is_reference_v<Reference>, std::forward_iterator_tag,
                                                 std::input_iterator_tag>;
    using value_type = std::remove_cvref_t<Reference>;
    using difference_type = std::ptrdiff_t;
    using reference = Reference;
    using pointer = std::conditional_t<std::is_reference_v<Reference>, std::add_pointer_t<Reference>, void>;

    [[nodiscard]] KWIRE_ALWAYS_INLINE Reference operator*() const noexcept { return self().current(); }
    [[nodiscard]] KWIRE_ALWAYS_INLINE pointer operator->() const noexcept
        requires std::is_reference_v<Reference>
    {
        return &self().current();
    }
    KWIRE_ALWAYS_INLINE Derived& operator++() noexcept {
        auto& derived = static_cast<Derived&>(*this);
        derived.advance();
        return derived;
    }
    KWIRE_ALWAYS_INLINE Derived operator++(int) noexcept {
        const Derived before = self();
        ++*this;
        return before;
    }

    [[nodiscard]] KWIRE_ALWAYS_INLINE friend bool operator==(const Derived& a, const Derived& b) noexcept {
        return forward_iterator::same(a, b);
    }
    [[nodiscard]] KWIRE_ALWAYS_INLINE friend bool operator==(const Derived& a,
                                                             std::default_sentinel_t) noexcept {
        return forward_iterator::at_end(a);
    }

private:
    friend Derived;
    constexpr forward_iterator() noexcept = default; // for Derived alone, which is what this is a base of

    KWIRE_ALWAYS_INLINE const Derived& self() const noexcept { return static_cast<const Derived&>(*this); }
    // Here, because Derived makes this class its friend and not the operators of it.
    KWIRE_ALWAYS_INLINE static bool same(const Derived& a, const Derived& b) noexcept {
        return a.same_place(b);
    }
    KWIRE_ALWAYS_INLINE static bool at_end(const Derived& a) noexcept { return a.done(); }
};

} // namespace kwire::inline KWIRE_ABI::detail
