/// The list under `unknown_tag_list` and `nullable_list`: one pointer, to a vector only where there is
/// something in it.
#pragma once

#include <kwire/detail/config.hpp>
#include <kwire/wire/uuid.hpp>
#include <kwire/write/scalar_list.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace kwire::detail {

/// What holds the elements: numbers, booleans and uuids lie in a `scalar_list`, as those of other arrays do.
template <class T>
struct list_of {
    using type = std::vector<T>;
};
template <class T>
    requires(std::is_arithmetic_v<T> || std::is_same_v<T, uuid>)
struct list_of<T> {
    using type = scalar_list<T>;
};

/// A vector in 8 bytes instead of 24, which costs a second allocation if it has elements.
///
/// Every struct of a flexible message can have unknown tagged fields, and hardly any does. Their list is in
/// each of them: 16 bytes less make a partition of a Metadata response a seventh smaller, and to_data, most
/// of whose time goes into fresh memory, so much faster. Arrays that may be null are rare, too.
///
/// Its members are those of `std::vector`, with the same guarantees. Moving leaves the source empty and
/// pointers to elements valid.
template <class T>
class boxed_list {
public:
    using list_type = typename list_of<T>::type;
    using value_type = T;
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;
    using reference = T&;
    using const_reference = const T&;
    using pointer = T*;
    using const_pointer = const T*;
    using iterator = T*;
    using const_iterator = const T*;

    // cost: at run time it does not look like a constant. GCC 12 would make one of each struct whose members
    // all are constants, and clear the struct by `rep stos` before it writes those defaults that are not 0:
    // owned data of a Fetch response of 1000 partitions took 35 us instead of 22.
    constexpr boxed_list() noexcept {
        if (!KWIRE_IS_CONSTEVAL()) {
            not_a_constant();
        }
    }
    boxed_list(std::initializer_list<T> elements) : boxed_list(list_type(elements)) {}
    boxed_list(list_type elements) {
        if (!elements.empty()) keep(std::make_unique<list_type>(std::move(elements)));
    }
    template <std::input_iterator Iterator, std::sentinel_for<Iterator> Sentinel>
    boxed_list(Iterator first, Sentinel last) : boxed_list() {
        for (; first != last; ++first) push_back(*first);
    }
    boxed_list(const boxed_list& other) : bits_(other.is_null() ? null : none) {
        if (!other.empty()) keep(std::make_unique<list_type>(*other.list()));
    }
    boxed_list(boxed_list&& other) noexcept : bits_(std::exchange(other.bits_, none)) {}
    // Not one that takes its argument by value and is noexcept: then the assignment of each struct with such
    // a member would be noexcept too, copies included.
    boxed_list& operator=(const boxed_list& other) { return *this = boxed_list(other); }
    boxed_list& operator=(boxed_list&& other) noexcept {
        boxed_list taken(std::move(other));
        swap(taken);
        return *this;
    }
    constexpr ~boxed_list() {
        if (bits_ > null) delete list();
    }

    [[nodiscard]] KWIRE_SMALL size_type size() const noexcept { return bits_ > null ? list()->size() : 0; }
    [[nodiscard]] KWIRE_SMALL bool empty() const noexcept { return size() == 0; }
    [[nodiscard]] T* data() noexcept { return bits_ > null ? list()->data() : nullptr; }
    [[nodiscard]] const T* data() const noexcept { return const_cast<boxed_list*>(this)->data(); }
    [[nodiscard]] iterator begin() noexcept { return data(); }
    [[nodiscard]] const_iterator begin() const noexcept { return data(); }
    [[nodiscard]] const_iterator cbegin() const noexcept { return data(); }
    [[nodiscard]] iterator end() noexcept { return data() + size(); }
    [[nodiscard]] const_iterator end() const noexcept { return data() + size(); }
    [[nodiscard]] const_iterator cend() const noexcept { return end(); }

    /// Element `i`, which must be below `size()`; `at` throws std::out_of_range otherwise.
    [[nodiscard]] T& operator[](size_type i) noexcept { return data()[i]; }
    [[nodiscard]] const T& operator[](size_type i) const noexcept { return data()[i]; }
    [[nodiscard]] T& at(size_type i) {
        if (i >= size()) static_cast<void>(list_type().at(0)); // throws
        return data()[i];
    }
    [[nodiscard]] const T& at(size_type i) const { return const_cast<boxed_list*>(this)->at(i); }
    [[nodiscard]] T& front() noexcept { return list()->front(); }
    [[nodiscard]] const T& front() const noexcept { return list()->front(); }
    [[nodiscard]] T& back() noexcept { return list()->back(); }
    [[nodiscard]] const T& back() const noexcept { return list()->back(); }

    /// Has no effect on a null list, which stays null.
    void reserve(size_type count) {
        if (bits_ > null)
            list()->reserve(count);
        else if (bits_ == none && count != 0) {
            auto created = std::make_unique<list_type>();
            created->reserve(count);
            keep(std::move(created));
        }
    }
    void push_back(const T& element) { emplace_back(element); }
    void push_back(T&& element) { emplace_back(std::move(element)); }
    template <class... Arguments>
    T& emplace_back(Arguments&&... arguments) {
        if (bits_ > null) return list()->emplace_back(std::forward<Arguments>(arguments)...);
        auto created = std::make_unique<list_type>();
        T& element = created->emplace_back(std::forward<Arguments>(arguments)...);
        keep(std::move(created));
        return element;
    }
    void pop_back() noexcept { list()->pop_back(); }
    /// A null list is a list afterwards.
    void resize(size_type count) {
        if (bits_ > null) return list()->resize(count);
        auto created = std::make_unique<list_type>();
        created->resize(count);
        keep(std::move(created));
    }
    /// Removes all elements; a null list is empty afterwards.
    void clear() noexcept {
        if (bits_ > null)
            list()->clear();
        else
            bits_ = none;
    }
    iterator insert(const_iterator before, const T& element) { return insert_one(before, element); }
    iterator insert(const_iterator before, T&& element) { return insert_one(before, std::move(element)); }
    iterator erase(const_iterator which) { return erase(which, which + 1); }
    iterator erase(const_iterator first, const_iterator last) {
        const auto at = first - data();
        if (first != last) list()->erase(list()->begin() + at, list()->begin() + (last - data()));
        return data() + at;
    }

    void swap(boxed_list& other) noexcept { std::swap(bits_, other.bits_); }
    friend void swap(boxed_list& a, boxed_list& b) noexcept { a.swap(b); }

    friend bool operator==(const boxed_list& a, const boxed_list& b) {
        if (a.size() != b.size()) return false;
        for (size_type i = 0; i < a.size(); ++i)
            if (!(a[i] == b[i])) return false;
        return true;
    }

protected:
    [[nodiscard]] constexpr bool is_null() const noexcept { return bits_ == null; }
    /// A null one.
    constexpr explicit boxed_list(std::nullptr_t) noexcept : bits_(null) {}

private:
    KWIRE_SMALL static void not_a_constant() noexcept {}
    // What `bits_` is instead of a pointer. No address of an object stands for null: each shared library
    // could have its own.
    static constexpr std::uintptr_t none = 0, null = 1;

    template <class Element>
    iterator insert_one(const_iterator before, Element&& element) {
        const auto at = before - data();
        if (bits_ > null)
            list()->insert(list()->begin() + at, std::forward<Element>(element));
        else
            emplace_back(std::forward<Element>(element));
        return data() + at;
    }
    [[nodiscard]] list_type* list() const noexcept { return std::bit_cast<list_type*>(bits_); }
    void keep(std::unique_ptr<list_type> created) noexcept {
        bits_ = std::bit_cast<std::uintptr_t>(created.release());
    }

    std::uintptr_t bits_ = none;
};

} // namespace kwire::detail
