/// Owned bytes that do not change: counted, sliceable, shared.
///
///     std::optional<kwire::shared_buffer> key = frame.slice(4, 16); // O(1), keeps the memory alive
///
/// Messages need no more of buffer.hpp than this, and who only reads need not compile the rest.
#pragma once

#include <kwire/buffer/detail/memory.hpp>
#include <kwire/detail/config.hpp>
#include <kwire/wire/text.hpp>

#include <concepts>
#include <cstddef>
#include <cstring>
#include <expected>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace kwire {

class payload;
class unique_buffer;

namespace detail {

struct buffer_access;

/// A pointer and its deleter, as an owner for shared_buffer::adopt.
template <class Pointer, class Deleter>
class deleted_memory {
public:
    deleted_memory(Pointer pointer, std::size_t size, Deleter deleter)
        : pointer_(pointer), size_(size), deleter_(std::move(deleter)) {}
    deleted_memory(deleted_memory&& other) noexcept
        : pointer_(std::exchange(other.pointer_, nullptr)),
          size_(other.size_),
          deleter_(std::move(other.deleter_)) {}
    deleted_memory& operator=(deleted_memory&&) = delete;
    ~deleted_memory() {
        if (pointer_ == nullptr) return;
        if constexpr (std::invocable<Deleter&, Pointer, std::size_t>)
            deleter_(pointer_, size_);
        else
            deleter_(pointer_);
    }

private:
    Pointer pointer_;
    std::size_t size_;
    Deleter deleter_;
};

/// Owns its bytes one after another, as std::vector<std::byte> and std::string do.
template <class T>
concept byte_container = std::movable<T> && requires(const T& c) {
    requires sizeof(*c.data()) == 1;
    requires std::is_pointer_v<decltype(c.data())>;
    requires std::is_trivially_copyable_v<std::remove_cvref_t<decltype(*c.data())>>;
    { c.size() } -> std::convertible_to<std::size_t>;
};

/// Its elements are const where it is: a container that has them to itself, as no span or handle does.
template <class T>
concept owning_byte_container = byte_container<T> && requires(T& c, const T& fixed) {
    requires !std::ranges::enable_borrowed_range<T>;
    requires std::is_pointer_v<decltype(c.data())>;
    requires !std::is_const_v<std::remove_pointer_t<decltype(c.data())>>;
    requires std::is_const_v<std::remove_pointer_t<decltype(fixed.data())>>;
};

} // namespace detail

/// Immutable bytes in counted memory: a copy is another reference, a slice too.
///
/// 24 bytes: where, how many, and the memory they keep alive (none for static bytes). Copy and slice are O(1)
/// and never allocate; a moved-from buffer is empty. The bytes stay where they are, unchanged, until the last
/// buffer on them goes, so views into them stay good as long as any one of them lives.
///
/// Threads: buffers on the same memory may be copied, sliced and destroyed on different threads at once. One
/// shared_buffer object is like an int: two threads may read it, but not one read and one assign.
///
/// Ranges outside the buffer are refused with nullopt and change nothing. Memory that cannot be had throws
/// std::bad_alloc (ends the program under -fno-exceptions).
class shared_buffer {
public:
    using value_type = std::byte;
    using iterator = const std::byte*;
    using const_iterator = const std::byte*;

    shared_buffer() = default;
    shared_buffer(const shared_buffer&) = default;
    shared_buffer(shared_buffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)),
          memory_(std::move(other.memory_)) {}
    shared_buffer& operator=(shared_buffer other) noexcept {
        swap(other);
        return *this;
    }
    ~shared_buffer() = default;

    /// Its own copy of `bytes`, in one allocation; counted in copied_bytes().
    [[nodiscard]] static shared_buffer copy_of(std::span<const std::byte> bytes) {
        if (bytes.empty()) return {};
        detail::memory_ref memory = detail::allocate_memory(bytes.size());
        detail::copy_bytes(memory->writable, bytes.data(), bytes.size());
        const std::byte* begin = memory->writable;
        return {begin, bytes.size(), std::move(memory)};
    }
    [[nodiscard]] static shared_buffer copy_of(std::string_view text) { return copy_of(bytes_of_text(text)); }

    /// Bytes that outlive every buffer on them: literals, tables, a file mapped for good. Owns nothing.
    [[nodiscard]] static shared_buffer from_static(std::span<const std::byte> bytes) noexcept {
        return {bytes.data(), bytes.size(), detail::memory_ref{}};
    }
    [[nodiscard]] static shared_buffer from_static(std::string_view text) noexcept {
        return from_static(bytes_of_text(text));
    }
    /// Not a string or vector that is gone at the end of the line: `adopt` keeps it.
    template <class Owner>
        requires(!std::is_lvalue_reference_v<Owner> && detail::byte_container<std::remove_cv_t<Owner>> &&
                 !std::ranges::enable_borrowed_range<std::remove_cv_t<Owner>>)
    static shared_buffer from_static(Owner&& bytes) = delete;

    /// Bytes that `owner` keeps alive: a pool's lease, a mapping, another library's buffer handle.
    ///
    /// `bytes` must stay good while `owner` is moved to the heap; it is destroyed when the last reference
    /// goes, on whatever thread that happens. Nothing is copied.
    template <std::movable Owner>
    [[nodiscard]] static shared_buffer adopt(Owner owner, std::span<const std::byte> bytes) {
        auto* control = new detail::owner_control<Owner>(std::move(owner));
        control->size = bytes.size();
        return {bytes.data(), bytes.size(), detail::memory_ref(control)};
    }

    /// Takes over a std::string, a std::vector of bytes or the like, and shows its content; nothing is
    /// copied.
    ///
    /// The last buffer on it may be written to again (try_into_unique), if the elements are the container's
    /// own: `data()` gives pointers to const where the container is const, and only there.
    template <detail::byte_container Owner>
    [[nodiscard]] static shared_buffer adopt(Owner owner) {
        auto* control = new detail::owner_control<Owner>(std::move(owner));
        // Asked only now: a short std::string carries its characters along when it moves.
        const std::byte* begin = nullptr;
        if constexpr (detail::owning_byte_container<Owner>)
            begin = control->writable = reinterpret_cast<std::byte*>(control->owner.data());
        else
            begin = reinterpret_cast<const std::byte*>(std::as_const(control->owner).data());
        control->size = control->owner.size();
        return {begin, control->size, detail::memory_ref(control)};
    }

    /// Takes over `size` bytes at `pointer`, given back by `deleter(pointer)` or `deleter(pointer, size)`.
    ///
    /// The deleter must be movable and must not throw; it is also called when adopt itself fails.
    template <class Byte, class Deleter>
        requires(sizeof(Byte) == 1 &&
                 (std::invocable<Deleter&, Byte*> || std::invocable<Deleter&, Byte*, std::size_t>))
    [[nodiscard]] static shared_buffer adopt(Byte* pointer, std::size_t size, Deleter deleter) {
        detail::deleted_memory<Byte*, Deleter> owner(pointer, size, std::move(deleter));
        auto* control = new detail::owner_control<decltype(owner)>(std::move(owner));
        control->size = size;
        return {reinterpret_cast<const std::byte*>(pointer), size, detail::memory_ref(control)};
    }

    /// Like adopt, for memory that nobody but `owner` can reach: the last owner may write to it again.
    ///
    /// This is what makes try_into_unique work for memory out of a pool or a mapping. If memory for the count
    /// cannot be had, `owner` has not been moved from.
    template <std::movable Owner>
    [[nodiscard]] static shared_buffer adopt_exclusive(Owner&& owner, std::span<std::byte> bytes) {
        auto* control = new detail::owner_control<Owner>(std::forward<Owner>(owner));
        control->size = bytes.size();
        control->writable = bytes.data();
        return {bytes.data(), bytes.size(), detail::memory_ref(control)};
    }

    [[nodiscard]] const std::byte* data() const& noexcept KWIRE_LIFETIMEBOUND { return data_; }
    const std::byte* data() const&& = delete;
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] iterator begin() const& noexcept KWIRE_LIFETIMEBOUND { return data_; }
    iterator begin() const&& = delete;
    [[nodiscard]] iterator end() const& noexcept KWIRE_LIFETIMEBOUND { return data_ + size_; }
    iterator end() const&& = delete;

    /// The bytes; good as long as any buffer on this memory lives, so not offered by a temporary.
    [[nodiscard]] std::span<const std::byte> span() const& noexcept KWIRE_LIFETIMEBOUND {
        return {data_, size_};
    }
    std::span<const std::byte> span() const&& = delete;
    // A buffer that has a name becomes a span by span's own constructor for ranges (a conversion beside it
    // would make GCC's -Wconversion warn of the choice). Of a temporary these are preferred to it.
    operator std::span<const std::byte>() && = delete;
    operator std::span<const std::byte>() const&& = delete;

    /// `length` bytes from `offset` on, in O(1); nullopt unless they lie inside. Empty slices pin nothing.
    [[nodiscard]] std::optional<shared_buffer> slice(std::size_t offset, std::size_t length) const noexcept {
        if (offset > size_ || length > size_ - offset) return std::nullopt;
        return slice_unchecked(offset, length);
    }

    /// The owning slice for a part that was borrowed from this buffer, in O(1); nullopt for foreign bytes.
    ///
    /// An empty part gives an empty buffer wherever it points, since there is nothing to keep alive.
    [[nodiscard]] std::optional<shared_buffer> slice_of(std::span<const std::byte> part) const noexcept {
        if (part.empty()) return shared_buffer{};
        return slice(detail::distance_from(data_, part.data()), part.size());
    }
    [[nodiscard]] std::optional<shared_buffer> slice_of(std::string_view part) const noexcept {
        return slice_of(bytes_of_text(part));
    }

    /// Hands out the first `n` bytes and keeps the rest; nullopt, and nothing changes, if there are fewer.
    [[nodiscard]] std::optional<shared_buffer> split_to(std::size_t n) noexcept {
        if (n > size_) return std::nullopt;
        shared_buffer head = slice_unchecked(0, n);
        *this = slice_unchecked(n, size_ - n);
        return head;
    }

    /// Keeps the first `n` bytes and hands out the rest; nullopt, and nothing changes, if there are fewer.
    [[nodiscard]] std::optional<shared_buffer> split_off(std::size_t n) noexcept {
        if (n > size_) return std::nullopt;
        shared_buffer tail = slice_unchecked(n, size_ - n);
        truncate(n);
        return tail;
    }

    /// Keeps the first `n` bytes; does nothing if there are no more.
    void truncate(std::size_t n) noexcept {
        if (n < size_) *this = slice_unchecked(0, n);
    }

    /// True if this is the only buffer on memory that is counted; false for static bytes.
    ///
    /// What former owners did on other threads is seen by whoever gets true (acquire).
    [[nodiscard]] bool is_unique() const noexcept { return memory_.sole(); }

    /// True if nobody may ever write to this memory: static bytes, and what was adopted to be read. An empty
    /// buffer is not, for there is nothing to write to.
    [[nodiscard]] bool is_read_only() const noexcept {
        return size_ != 0 && (!memory_ || memory_->writable == nullptr);
    }

    /// The same memory to write to, in O(1), if this was its last buffer; else the buffer comes back
    /// untouched.
    ///
    /// Works for memory that kwire allocated, for containers that `adopt` took over, and for
    /// adopt_exclusive; other memory was lent to be read (is_read_only).
    /// Defined in buffer.hpp, as unique_buffer is.
    [[nodiscard]] std::expected<unique_buffer, shared_buffer> try_into_unique() && noexcept;

    /// A copy in memory of its own, so that a small part need not keep a large buffer alive; counted.
    [[nodiscard]] shared_buffer detach() const { return copy_of(span()); }

    /// Size of the memory that this buffer keeps alive, in bytes; 0 for static bytes.
    [[nodiscard]] std::size_t pinned_bytes() const noexcept { return memory_ ? memory_->size : 0; }

    void swap(shared_buffer& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        memory_.swap(other.memory_);
    }

    /// Equal content, wherever it lies.
    friend bool operator==(const shared_buffer& a, const shared_buffer& b) noexcept {
        if (a.size_ != b.size_) return false;
        return a.data_ == b.data_ || a.size_ == 0 || std::memcmp(a.data_, b.data_, a.size_) == 0;
    }

private:
    friend payload;
    friend unique_buffer;
    friend detail::buffer_access;

    shared_buffer(const std::byte* data, std::size_t size, detail::memory_ref memory) noexcept
        : data_(data), size_(size), memory_(std::move(memory)) {}

    [[nodiscard]] shared_buffer slice_unchecked(std::size_t offset, std::size_t length) const noexcept {
        if (length == 0) return {};
        return {data_ + offset, length, memory_};
    }

    const std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    detail::memory_ref memory_;
};

} // namespace kwire
