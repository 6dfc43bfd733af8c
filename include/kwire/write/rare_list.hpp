/// What `data` structs keep in a list that is nearly always empty: one pointer, which is null then.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <utility>
#include <vector>

namespace kwire {

/// A `std::vector` in 8 bytes instead of 24, for a second allocation if it is not empty.
///
/// Every struct of a flexible message can have unknown tagged fields, and hardly any does. Their list is in
/// each of them: 16 bytes less make a partition of a Metadata response a seventh smaller, and to_data, most
/// of whose time goes into fresh memory, so much faster.
///
/// Its members are those of `std::vector`. Moving leaves the source empty and pointers to elements good.
template <class T>
class rare_list {
public:
    using value_type = T;
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;
    using reference = T&;
    using const_reference = const T&;
    using pointer = T*;
    using const_pointer = const T*;
    using iterator = T*;
    using const_iterator = const T*;

    constexpr rare_list() noexcept = default;
    rare_list(std::initializer_list<T> elements) : rare_list(std::vector<T>(elements)) {}
    rare_list(std::vector<T> elements) {
        if (!elements.empty()) list_ = new std::vector<T>(std::move(elements));
    }
    template <std::input_iterator Iterator, std::sentinel_for<Iterator> Sentinel>
    rare_list(Iterator first, Sentinel last) {
        for (; first != last; ++first) push_back(*first);
    }
    rare_list(const rare_list& other) : list_(other.empty() ? nullptr : new std::vector<T>(*other.list_)) {}
    rare_list(rare_list&& other) noexcept : list_(std::exchange(other.list_, nullptr)) {}
    rare_list& operator=(rare_list other) noexcept {
        swap(other);
        return *this;
    }
    constexpr ~rare_list() {
        if (list_ != nullptr) delete list_;
    }

    [[nodiscard]] size_type size() const noexcept { return list_ != nullptr ? list_->size() : 0; }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    [[nodiscard]] T* data() noexcept { return list_ != nullptr ? list_->data() : nullptr; }
    [[nodiscard]] const T* data() const noexcept { return const_cast<rare_list*>(this)->data(); }
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
        if (i >= size()) static_cast<void>(std::vector<T>().at(0)); // throws
        return data()[i];
    }
    [[nodiscard]] const T& at(size_type i) const { return const_cast<rare_list*>(this)->at(i); }
    [[nodiscard]] T& front() noexcept { return list_->front(); }
    [[nodiscard]] const T& front() const noexcept { return list_->front(); }
    [[nodiscard]] T& back() noexcept { return list_->back(); }
    [[nodiscard]] const T& back() const noexcept { return list_->back(); }

    void reserve(size_type count) { list().reserve(count); }
    void push_back(T element) { list().push_back(std::move(element)); }
    template <class... Arguments>
    T& emplace_back(Arguments&&... arguments) {
        return list().emplace_back(std::forward<Arguments>(arguments)...);
    }
    void pop_back() noexcept { list_->pop_back(); }
    void clear() noexcept {
        if (list_ != nullptr) list_->clear();
    }
    iterator insert(const_iterator before, T element) {
        const auto at = before - data();
        list().insert(list_->begin() + at, std::move(element));
        return data() + at;
    }
    iterator erase(const_iterator which) { return erase(which, which + 1); }
    iterator erase(const_iterator first, const_iterator last) {
        const auto at = first - data();
        if (first != last) list_->erase(list_->begin() + at, list_->begin() + (last - data()));
        return data() + at;
    }

    void swap(rare_list& other) noexcept { std::swap(list_, other.list_); }
    friend void swap(rare_list& a, rare_list& b) noexcept { a.swap(b); }

    friend bool operator==(const rare_list& a, const rare_list& b) {
        if (a.size() != b.size()) return false;
        for (size_type i = 0; i < a.size(); ++i)
            if (!(a[i] == b[i])) return false;
        return true;
    }

private:
    [[nodiscard]] std::vector<T>& list() {
        if (list_ == nullptr) list_ = new std::vector<T>();
        return *list_;
    }

    std::vector<T>* list_ = nullptr;
};

} // namespace kwire
