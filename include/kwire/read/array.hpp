/// Arrays as they lie on the wire: ranges of numbers, strings or struct views, and nullable ones.
///
///     for (auto partition : topic.partitions())
///         for (std::int32_t replica : partition.replica_nodes()) ...
///
/// Arrays of fixed-width elements are random access. Strings and structs have no fixed size, so arrays of
/// them are forward ranges without an index: reaching element n costs n steps.
#pragma once

#include <kwire/detail/forward_iterator.hpp>
#include <kwire/schema/detail/view.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <type_traits>

namespace kwire::inline KWIRE_ABI {

template <class E>
class nullable_array_of;

namespace detail {

/// What all arrays share: where the elements begin and how many there are.
class array_base {
public:
    array_base() noexcept = default;

    /// How many elements there are; 0 for null.
    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

protected:
    KWIRE_SMALL explicit array_base(const raw_array& raw) noexcept
        : elements_(raw.elements), count_(raw.count), compact_(raw.compact) {}

    const std::byte* elements_ = nothing;
    std::uint32_t count_ = 0;
    bool compact_ = false;
};

} // namespace detail

/// An array on the wire; `E` is a number, `bool`, `uuid`, `std::string_view` or a view.
template <class E>
class array_of;

/// Arrays of fixed-width elements: a random access range of values.
template <class E>
    requires(std::is_arithmetic_v<E> || std::is_same_v<E, uuid>)
class array_of<E> : public detail::array_base {
    static constexpr std::ptrdiff_t width = sizeof(E);

public:
    class iterator {
    public:
        using iterator_concept = std::random_access_iterator_tag;
        using iterator_category =
            std::input_iterator_tag; // references are values, which C++17 does not allow for more
        using value_type = E;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using reference = E;

        iterator() noexcept = default;
        [[nodiscard]] KWIRE_SMALL E operator*() const noexcept { return detail::load_scalar<E>(at_); }
        [[nodiscard]] E operator[](difference_type n) const noexcept { return *(*this + n); }
        KWIRE_SMALL iterator& operator++() noexcept { return *this += 1; }
        iterator& operator--() noexcept { return *this -= 1; }
        iterator operator++(int) noexcept {
            const iterator before = *this;
            ++*this;
            return before;
        }
        iterator operator--(int) noexcept {
            const iterator before = *this;
            --*this;
            return before;
        }
        KWIRE_SMALL iterator& operator+=(difference_type n) noexcept {
            at_ += n * width;
            return *this;
        }
        iterator& operator-=(difference_type n) noexcept {
            at_ -= n * width;
            return *this;
        }
        friend iterator operator+(iterator it, difference_type n) noexcept { return it += n; }
        friend iterator operator+(difference_type n, iterator it) noexcept { return it += n; }
        friend iterator operator-(iterator it, difference_type n) noexcept { return it -= n; }
        friend difference_type operator-(iterator a, iterator b) noexcept { return (a.at_ - b.at_) / width; }
        KWIRE_SMALL friend bool operator==(iterator a, iterator b) noexcept { return a.at_ == b.at_; }
        friend std::strong_ordering operator<=>(iterator, iterator) noexcept = default;

    private:
        friend class array_of;
        KWIRE_SMALL explicit iterator(const std::byte* at) noexcept : at_(at) {}
        const std::byte* at_ = nullptr;
    };

    array_of() noexcept = default;
    KWIRE_SMALL array_of(const detail::raw_array& raw) noexcept : array_base(raw) {}

    /// Element `i`; `i` must be below `size()`.
    [[nodiscard]] E operator[](std::size_t i) const noexcept {
        return detail::load_scalar<E>(elements_ + i * sizeof(E));
    }
    [[nodiscard]] KWIRE_SMALL iterator begin() const noexcept { return iterator(elements_); }
    [[nodiscard]] KWIRE_SMALL iterator end() const noexcept {
        return iterator(elements_ + static_cast<std::ptrdiff_t>(count_) * width);
    }
};

/// Arrays of strings: a forward range of `std::string_view` into the message's bytes.
template <>
class array_of<std::string_view> : public detail::array_base {
public:
    class iterator : public detail::forward_iterator<iterator, std::string_view> {
    public:
        iterator() noexcept = default;

    private:
        friend class array_of;
        friend detail::forward_iterator<iterator, std::string_view>;
        iterator(const std::byte* at, std::uint32_t left, bool compact) noexcept
            : at_(at), left_(left), compact_(compact) {}

        [[nodiscard]] detail::trusted_count length() const noexcept {
            return detail::read_length_fast(at_, compact_, detail::length_form::int16);
        }
        [[nodiscard]] std::string_view current() const noexcept { return length().text(); }
        void advance() noexcept {
            const detail::trusted_count text = length();
            at_ = text.content + text.size;
            --left_;
        }
        [[nodiscard]] bool same_place(const iterator& other) const noexcept { return left_ == other.left_; }
        [[nodiscard]] bool done() const noexcept { return left_ == 0; }

        const std::byte* at_ = nullptr;
        std::uint32_t left_ = 0;
        bool compact_ = false;
    };

    array_of() noexcept = default;
    array_of(const detail::raw_array& raw) noexcept : array_base(raw) {}

    [[nodiscard]] iterator begin() const noexcept { return iterator(elements_, count_, compact_); }
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }
};

/// Arrays of structs: a forward range of views.
template <class E>
    requires requires(const E& view) { bytes_of(view); }
class array_of<E> : public detail::array_base {
public:
    class iterator : public detail::forward_iterator<iterator, E> {
    public:
        iterator() noexcept = default;

    private:
        friend class array_of;
        friend detail::forward_iterator<iterator, E>;
        iterator(const std::byte* first, std::uint32_t left, const detail::struct_layout* layout) noexcept
            : left_(left) {
            if (left != 0) detail::view_access::place(current_, first, *layout);
        }

        [[nodiscard]] E current() const noexcept { return current_; }
        void advance() noexcept {
            if (--left_ != 0) detail::view_access::advance(current_);
        }
        [[nodiscard]] bool same_place(const iterator& other) const noexcept { return left_ == other.left_; }
        [[nodiscard]] bool done() const noexcept { return left_ == 0; }

        E current_;
        std::uint32_t left_ = 0;
    };

    array_of() noexcept = default;
    array_of(const detail::raw_array& raw) noexcept : array_base(raw), layout_(raw.layout) {}

    [[nodiscard]] iterator begin() const noexcept { return iterator(elements_, count_, layout_); }
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

private:
    const detail::struct_layout* layout_ = nullptr;
};

/// An array that may be null. It is a range all the same, an empty one when null, so that looping needs no
/// test.
template <class E>
class nullable_array_of : public array_of<E> {
public:
    nullable_array_of() noexcept = default;
    nullable_array_of(const detail::raw_array& raw) noexcept : array_of<E>(raw) {}

    /// Whether the array is null, which is not the same as empty: null topics in a Metadata request mean all
    /// topics.
    [[nodiscard]] bool is_null() const noexcept { return this->elements_ == nullptr; }
};

} // namespace kwire::inline KWIRE_ABI
