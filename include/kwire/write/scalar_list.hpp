/// What `data` structs keep arrays of numbers, booleans and uuids in: a vector that needs no memory for a
/// few.
///
///     data.replica_nodes = {1, 2, 3};
///     data.replica_nodes.push_back(4);
///     std::span<const std::int32_t> all = data.replica_nodes;
#pragma once

#include <kwire/detail/config.hpp>
#include <kwire/detail/cxx23.hpp>

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <new>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

namespace kwire {

namespace detail {

// The core is compiled without exceptions too, and cannot throw; the library's strings can. (Templates, so
// that programs without a list do not compile strings.)
template <class String = std::string>
[[noreturn]] KWIRE_COLD void refuse_length() {
    String().resize(String::npos);
    kwire::detail::unreachable();
}
template <class String = std::string>
[[noreturn]] KWIRE_COLD void refuse_index() {
    static_cast<void>(String().at(0));
    kwire::detail::unreachable();
}

} // namespace detail

/// What a `scalar_list` can hold: the numbers, booleans and uuids of messages, and what is like them.
template <class T>
concept scalar = std::is_trivially_copyable_v<T> && std::is_same_v<T, std::remove_cv_t<T>> &&
                 sizeof(T) <= 16 && alignof(T) <= 8;

/// A `std::vector` of scalars, of the same 24 bytes, which holds up to `inline_capacity` elements in itself:
/// 5 of 32 bits, 2 of 64, 20 of 8 bits, one uuid.
///
/// It exists because replicas are few and partitions are many: half of the time of `to_data` went into the
/// memory of vectors, three per partition. For a Metadata response of 10000 partitions it took 1.3 times the
/// time of the crate kafka-protocol, without them 0.45 times (bench/peer).
///
/// Its members are those of `std::vector`, with the same guarantees: a member that throws changes nothing,
/// moved-from lists are empty, a change of the capacity invalidates pointers into the list. Two things
/// differ. Moves and swaps invalidate them too, since a short list moves its elements. And booleans are
/// `bool`, not bits. There is room for `max_size()` elements, more than any message can have. Asking for more
/// throws std::length_error, as `std::vector` does, and std::bad_alloc if memory runs out (under
/// -fno-exceptions both abort).
template <scalar T>
class alignas(8) scalar_list {
    static constexpr std::size_t room = 20;
    static constexpr std::size_t first_at = alignof(T) > 4 ? 4 : 0; ///< after the 4 bytes of `state_`
    static constexpr std::uint32_t on_heap = 0x80000000;

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
    using reverse_iterator = std::reverse_iterator<iterator>;
    using const_reverse_iterator = std::reverse_iterator<const_iterator>;

    /// As many elements take no memory of their own.
    static constexpr size_type inline_capacity = (room - first_at) / sizeof(T);

    constexpr scalar_list() noexcept = default;
    explicit scalar_list(size_type count) : scalar_list() { resize(count); }
    scalar_list(size_type count, T value) : scalar_list() { resize(count, value); }
    scalar_list(std::initializer_list<T> elements) : scalar_list() { copy(elements); }
    template <std::input_iterator Iterator, std::sentinel_for<Iterator> Sentinel>
        requires std::convertible_to<std::iter_reference_t<Iterator>, T>
    scalar_list(Iterator first, Sentinel last) : scalar_list() {
        append(std::move(first), std::move(last));
    }
    /// A copy of a span, a vector or whatever else has its elements one after another.
    template <class Range>
        requires(!std::same_as<Range, scalar_list> && std::convertible_to<const Range&, std::span<const T>>)
    explicit scalar_list(const Range& elements) : scalar_list() {
        copy(elements);
    }

    scalar_list(const scalar_list& other) : scalar_list() {
        if (other.is_inline()) {
            state_ = other.state_;
            storage_ = other.storage_;
        } else {
            copy(other);
        }
    }
    scalar_list(scalar_list&& other) noexcept
        : state_(std::exchange(other.state_, {})), storage_(other.storage_) {}
    scalar_list& operator=(const scalar_list& other) {
        copy(other);
        return *this;
    }
    scalar_list& operator=(scalar_list&& other) noexcept {
        if (this != &other) {
            release();
            state_ = std::exchange(other.state_, {});
            storage_ = other.storage_;
        }
        return *this;
    }
    scalar_list& operator=(std::initializer_list<T> elements) {
        copy(elements);
        return *this;
    }
    constexpr ~scalar_list() { release(); }

    [[nodiscard]] KWIRE_SMALL constexpr size_type size() const noexcept { return state_ & ~on_heap; }
    [[nodiscard]] KWIRE_SMALL constexpr bool empty() const noexcept { return size() == 0; }
    [[nodiscard]] size_type capacity() const noexcept {
        return is_inline() ? inline_capacity : memory().capacity;
    }
    [[nodiscard]] static constexpr size_type max_size() noexcept {
        constexpr auto addressable = static_cast<size_type>(PTRDIFF_MAX) / sizeof(T);
        return addressable < on_heap ? addressable : on_heap - 1;
    }

    [[nodiscard]] KWIRE_SMALL T* data() noexcept {
        return is_inline() ? inline_elements() : static_cast<T*>(memory().elements);
    }
    [[nodiscard]] KWIRE_SMALL const T* data() const noexcept {
        return const_cast<scalar_list*>(this)->data();
    }
    [[nodiscard]] iterator begin() noexcept { return data(); }
    [[nodiscard]] KWIRE_SMALL const_iterator begin() const noexcept { return data(); }
    [[nodiscard]] const_iterator cbegin() const noexcept { return data(); }
    [[nodiscard]] iterator end() noexcept { return data() + size(); }
    [[nodiscard]] KWIRE_SMALL const_iterator end() const noexcept { return data() + size(); }
    [[nodiscard]] const_iterator cend() const noexcept { return end(); }
    [[nodiscard]] reverse_iterator rbegin() noexcept { return reverse_iterator(end()); }
    [[nodiscard]] const_reverse_iterator rbegin() const noexcept { return const_reverse_iterator(end()); }
    [[nodiscard]] reverse_iterator rend() noexcept { return reverse_iterator(begin()); }
    [[nodiscard]] const_reverse_iterator rend() const noexcept { return const_reverse_iterator(begin()); }

    /// Element `i`, which must be below `size()`; `at` throws std::out_of_range otherwise.
    [[nodiscard]] T& operator[](size_type i) noexcept { return data()[i]; }
    [[nodiscard]] const T& operator[](size_type i) const noexcept { return data()[i]; }
    [[nodiscard]] T& at(size_type i) {
        if (i >= size()) detail::refuse_index();
        return data()[i];
    }
    [[nodiscard]] const T& at(size_type i) const { return const_cast<scalar_list*>(this)->at(i); }
    [[nodiscard]] T& front() noexcept { return *data(); }
    [[nodiscard]] const T& front() const noexcept { return *data(); }
    [[nodiscard]] T& back() noexcept { return data()[size() - 1]; }
    [[nodiscard]] const T& back() const noexcept { return data()[size() - 1]; }

    /// Makes room for `count` elements in all, and no more.
    void reserve(size_type count) {
        if (count > capacity()) move_to(allocate(count));
    }
    void shrink_to_fit() {
        if (is_inline() || size() == capacity()) return;
        if (size() > inline_capacity) return move_to(allocate(size()));
        const block before = memory();
        state_ &= ~on_heap;
        std::memcpy(data(), before.elements, size() * sizeof(T));
        free(before);
    }
    void clear() noexcept { set_size(0); }
    void resize(size_type count) { resize(count, T()); }
    void resize(size_type count, T value) {
        reserve_growing(count);
        for (T* at = data() + size(); at < data() + count; ++at) *at = value;
        set_size(count);
    }
    /// Gives the list the size that `fill(elements, count)` returns, at most `count`. Elements beyond the old
    /// size have unspecified values until `fill` writes them. As `std::string` has it, but
    /// memory is allocated for exactly `count`.
    template <class Fill>
    KWIRE_ALWAYS_INLINE void resize_and_overwrite(size_type count, Fill&& fill) {
        if (count <= inline_capacity && is_inline()) {
            set_size(std::forward<Fill>(fill)(inline_elements(), count));
        } else {
            reserve(count);
            set_size(std::forward<Fill>(fill)(data(), count));
        }
    }

    void push_back(T value) {
        reserve_growing(size() + 1);
        data()[size()] = value;
        ++state_;
    }
    template <class... Arguments>
        requires std::constructible_from<T, Arguments...>
    T& emplace_back(Arguments&&... arguments) {
        push_back(T(std::forward<Arguments>(arguments)...));
        return back();
    }
    void pop_back() noexcept { --state_; }

    void assign(size_type count, T value) {
        scalar_list other(count, value);
        swap(other);
    }
    void assign(std::initializer_list<T> elements) { copy(elements); }
    template <std::input_iterator Iterator, std::sentinel_for<Iterator> Sentinel>
        requires std::convertible_to<std::iter_reference_t<Iterator>, T>
    void assign(Iterator first, Sentinel last) {
        scalar_list other(std::move(first), std::move(last));
        swap(other);
    }
    /// A copy of a span, a vector or the like, also of a part of this list.
    template <class Range>
        requires std::convertible_to<const Range&, std::span<const T>>
    void assign(const Range& elements) {
        copy(elements);
    }

    iterator insert(const_iterator before, T value) { return insert_copy(before, {&value, 1}); }
    iterator insert(const_iterator before, size_type count, T value) {
        return insert_copy(before, scalar_list(count, value));
    }
    iterator insert(const_iterator before, std::initializer_list<T> elements) {
        return insert_copy(before, elements);
    }
    /// The elements from `first` to `last`, which are not elements of this list.
    template <std::input_iterator Iterator, std::sentinel_for<Iterator> Sentinel>
        requires std::convertible_to<std::iter_reference_t<Iterator>, T>
    iterator insert(const_iterator before, Iterator first, Sentinel last) {
        return insert_copy(before, scalar_list(std::move(first), std::move(last)));
    }
    iterator erase(const_iterator which) noexcept { return erase(which, which + 1); }
    iterator erase(const_iterator first, const_iterator last) noexcept {
        T* const at = data() + (first - data());
        std::memmove(at, last, static_cast<size_type>(end() - last) * sizeof(T));
        set_size(size() - static_cast<size_type>(last - first));
        return at;
    }

    void swap(scalar_list& other) noexcept {
        std::swap(state_, other.state_);
        std::swap(storage_, other.storage_);
    }
    friend void swap(scalar_list& a, scalar_list& b) noexcept { a.swap(b); }

    friend bool operator==(const scalar_list& a, const scalar_list& b) noexcept { return equal(a, b); }
    /// Also compares with spans and vectors.
    friend bool operator==(const scalar_list& a, std::span<const T> b) noexcept { return equal(a, b); }
    friend auto operator<=>(const scalar_list& a, const scalar_list& b) noexcept
        requires std::three_way_comparable<T>
    {
        for (size_type i = 0; i < a.size() && i < b.size(); ++i)
            if (const auto order = a[i] <=> b[i]; order != 0) return order;
        return std::compare_three_way_result_t<T>(a.size() <=> b.size());
    }

    /// Removes the elements for which `condition` is true; how many they were. (`std::erase_if` of vectors.)
    template <std::predicate<const T&> Condition>
    friend size_type erase_if(scalar_list& list, Condition condition) {
        T* kept = list.data();
        for (const T& element : std::as_const(list))
            if (!condition(element)) *kept++ = element;
        const auto left = static_cast<size_type>(kept - list.data());
        const size_type removed = list.size() - left;
        list.set_size(left);
        return removed;
    }
    /// Removes the elements that are equal to `value`; how many they were.
    friend size_type erase(scalar_list& list, T value) {
        return erase_if(list, [&](const T& element) { return element == value; });
    }

private:
    /// The elements, if they are not inside.
    struct block {
        void* elements;
        std::uint32_t capacity;
    };
    /// The elements, or a block: its capacity and then, where alignment permits it, its pointer.
    struct bytes_inside {
        std::byte bytes[room];
    };

    [[nodiscard]] KWIRE_SMALL constexpr bool is_inline() const noexcept { return (state_ & on_heap) == 0; }
    void set_size(size_type size) noexcept { state_ = (state_ & on_heap) | static_cast<std::uint32_t>(size); }

    [[nodiscard]] block memory() const noexcept {
        block found;
        std::memcpy(&found.capacity, storage_.bytes, sizeof found.capacity);
        std::memcpy(static_cast<void*>(&found.elements), storage_.bytes + 4, sizeof found.elements);
        return found;
    }
    [[nodiscard]] KWIRE_SMALL T* inline_elements() noexcept {
        void* const first = storage_.bytes + first_at;
        return std::launder(static_cast<T*>(first));
    }

    [[nodiscard]] static block allocate(size_type capacity) {
        if (capacity > max_size()) detail::refuse_length();
        return {::operator new(capacity * sizeof(T)), static_cast<std::uint32_t>(capacity)};
    }
    static void free(const block& memory) noexcept {
#if defined(__cpp_sized_deallocation)
        ::operator delete(memory.elements, memory.capacity * sizeof(T));
#else
        ::operator delete(memory.elements);
#endif
    }
    constexpr void release() noexcept {
        if (!is_inline()) free(memory());
    }
    void adopt(const block& memory) noexcept {
        std::memcpy(storage_.bytes, &memory.capacity, sizeof memory.capacity);
        std::memcpy(storage_.bytes + 4, &memory.elements, sizeof memory.elements);
        state_ |= on_heap;
    }
    KWIRE_NOINLINE void move_to(const block& memory) noexcept {
        std::memcpy(memory.elements, data(), size() * sizeof(T));
        release();
        adopt(memory);
    }
    /// A block for at least `count` elements, and for so many that appending needs few of them.
    [[nodiscard]] block allocate_growing(size_type count) const {
        const size_type twice = capacity() * 2 < max_size() ? capacity() * 2 : max_size();
        return allocate(count < twice ? twice : count);
    }
    void reserve_growing(size_type count) {
        if (count > capacity()) move_to(allocate_growing(count));
    }

    void copy(std::span<const T> from) {
        if (from.size() > capacity()) { // than which no part of this list is longer
            const block memory = allocate(from.size());
            std::memcpy(memory.elements, from.data(), from.size_bytes());
            release();
            adopt(memory);
        } else if (!from.empty()) {
            std::memmove(data(), from.data(), from.size_bytes());
        }
        set_size(from.size());
    }
    template <class Iterator, class Sentinel>
    void append(Iterator first, Sentinel last) {
        if constexpr (std::sized_sentinel_for<Sentinel, Iterator>)
            reserve(size() + static_cast<size_type>(last - first));
        for (; first != last; ++first) push_back(static_cast<T>(*first));
    }
    iterator insert_copy(const_iterator before, std::span<const T> from) {
        const auto at = static_cast<size_type>(before - data());
        const size_type following = size() - at;
        if (from.size() > capacity() - size()) {
            if (from.size() > max_size() - size()) detail::refuse_length();
            const block memory = allocate_growing(size() + from.size());
            T* const to = static_cast<T*>(memory.elements);
            std::memcpy(to, data(), at * sizeof(T));
            std::memcpy(to + at + from.size(), data() + at, following * sizeof(T));
            release();
            adopt(memory);
        } else {
            std::memmove(data() + at + from.size(), data() + at, following * sizeof(T));
        }
        if (!from.empty()) std::memcpy(data() + at, from.data(), from.size_bytes());
        set_size(size() + from.size());
        return data() + at;
    }
    [[nodiscard]] static bool equal(std::span<const T> a, std::span<const T> b) noexcept {
        if (a.size() != b.size()) return false;
        for (size_type i = 0; i < a.size(); ++i)
            if (!(a[i] == b[i])) return false;
        return true;
    }

    std::uint32_t state_ = 0; ///< the size, and whether the elements are in memory of their own
    bytes_inside storage_{};
};

} // namespace kwire
