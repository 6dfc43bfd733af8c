/// Owned bytes that do not change: counted, sliceable, shared.
///
///     std::optional<kwire::shared_buffer> key = frame.slice(4, 16); // O(1), keeps the memory alive
///
/// To write bytes or to change them see unique_buffer.hpp; messages need only this.
#pragma once

#include <kwire/buffer/detail/memory.hpp>
#include <kwire/detail/config.hpp>
#include <kwire/expected.hpp>
#include <kwire/wire/text.hpp>

#include <concepts>
#include <cstddef>
#include <cstring>
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

/// A type that owns contiguous bytes, such as std::vector<std::byte> or std::string.
template <class T>
concept byte_container = std::movable<T> && requires(const T& c) {
    requires sizeof(*c.data()) == 1;
    requires std::is_pointer_v<decltype(c.data())>;
    requires std::is_trivially_copyable_v<std::remove_cvref_t<decltype(*c.data())>>;
    { c.size() } -> std::convertible_to<std::size_t>;
};

/// A container whose elements are const if it is const: it is their only owner, unlike a span or a handle.
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
/// 24 bytes: an address, a size and a reference to the memory (none for static bytes). Copy and slice are
/// O(1) and never allocate; a moved-from buffer is empty. The bytes keep their address and value until the
/// last buffer on their memory is destroyed; views into them are valid until then.
///
/// Threads: different buffers on the same memory may be used on different threads. One shared_buffer object
/// is like an int: threads may read it concurrently, but not while one of them assigns to it.
///
/// For a range outside the buffer functions return nullopt and change nothing. A failed allocation throws
/// std::bad_alloc (aborts under -fno-exceptions).
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

    /// A copy of `bytes` in memory of its own, in one allocation; counted in copied_bytes().
    [[nodiscard]] static shared_buffer copy_of(std::span<const std::byte> bytes) {
        if (bytes.empty()) return {};
        detail::memory_ref memory = detail::allocate_memory(bytes.size());
        detail::copy_bytes(memory->writable, bytes.data(), bytes.size());
        const std::byte* begin = memory->writable;
        return {begin, bytes.size(), std::move(memory)};
    }
    [[nodiscard]] static shared_buffer copy_of(std::string_view text) { return copy_of(bytes_of_text(text)); }

    /// A buffer on bytes that outlive it and all its copies: literals, tables, a file that stays mapped. Owns
    /// nothing.
    [[nodiscard]] static shared_buffer from_static(std::span<const std::byte> bytes) noexcept {
        return {bytes.data(), bytes.size(), detail::memory_ref{}};
    }
    [[nodiscard]] static shared_buffer from_static(std::string_view text) noexcept {
        return from_static(bytes_of_text(text));
    }
    /// Deleted for temporary strings and vectors, which would dangle: `adopt` takes them over.
    template <class Owner>
        requires(!std::is_lvalue_reference_v<Owner> && detail::byte_container<std::remove_cv_t<Owner>> &&
                 !std::ranges::enable_borrowed_range<std::remove_cv_t<Owner>>)
    static shared_buffer from_static(Owner&& bytes) = delete;

    /// A buffer on bytes that `owner` keeps alive: a pool's lease, a mapping, another library's buffer
    /// handle.
    ///
    /// `bytes` must stay valid while `owner` is moved to the heap. `owner` is destroyed with the last buffer
    /// on it, on the thread that destroys that buffer. No bytes are copied. They must not change while there
    /// are views of them, since what was checked once is trusted: memory that another process or a device
    /// writes to must be copied first (copy_of).
    template <std::movable Owner>
    [[nodiscard]] static shared_buffer adopt(Owner owner, std::span<const std::byte> bytes) {
        auto* control = new detail::owner_control<Owner>(std::move(owner));
        control->size = bytes.size();
        return {bytes.data(), bytes.size(), detail::memory_ref(control)};
    }

    /// Takes over a std::string, a std::vector of bytes or the like, and shows its content; no bytes are
    /// copied.
    ///
    /// The last buffer on it can become writable again (try_into_unique) if the container owns its elements:
    /// its `data()` is a pointer to const for a const container only.
    template <detail::byte_container Owner>
    [[nodiscard]] static shared_buffer adopt(Owner owner) {
        auto* control = new detail::owner_control<Owner>(std::move(owner));
        // Only now, because a short std::string holds its characters inside and they move with it.
        const std::byte* begin = nullptr;
        if constexpr (detail::owning_byte_container<Owner>)
            begin = control->writable = reinterpret_cast<std::byte*>(control->owner.data());
        else
            begin = reinterpret_cast<const std::byte*>(std::as_const(control->owner).data());
        control->size = control->owner.size();
        return {begin, control->size, detail::memory_ref(control)};
    }

    /// Takes over `size` bytes at `pointer`, which `deleter(pointer)` or `deleter(pointer, size)` releases.
    ///
    /// The deleter must be movable and must not throw; it is called too if adopt itself fails.
    template <class Byte, class Deleter>
        requires(sizeof(Byte) == 1 &&
                 (std::invocable<Deleter&, Byte*> || std::invocable<Deleter&, Byte*, std::size_t>))
    [[nodiscard]] static shared_buffer adopt(Byte* pointer, std::size_t size, Deleter deleter) {
        detail::deleted_memory<Byte*, Deleter> owner(pointer, size, std::move(deleter));
        auto* control = new detail::owner_control<decltype(owner)>(std::move(owner));
        control->size = size;
        return {reinterpret_cast<const std::byte*>(pointer), size, detail::memory_ref(control)};
    }

    /// As adopt, for memory that is reachable through `owner` only: the last buffer on it can become writable
    /// again.
    ///
    /// With this, try_into_unique works for memory from a pool or a mapping. If the allocation of the
    /// reference count fails, `owner` has not been moved from.
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

    /// The bytes; valid while any buffer on this memory lives. Deleted for temporaries.
    [[nodiscard]] std::span<const std::byte> span() const& noexcept KWIRE_LIFETIMEBOUND {
        return {data_, size_};
    }
    std::span<const std::byte> span() const&& = delete;
    // An lvalue converts to a span by span's constructor for ranges. (A conversion function as well would
    // make GCC's -Wconversion warn about the choice.) For temporaries these deleted functions are preferred.
    operator std::span<const std::byte>() && = delete;
    operator std::span<const std::byte>() const&& = delete;

    /// `length` bytes from `offset`, in O(1); nullopt unless they lie in the buffer. An empty slice keeps no
    /// memory alive.
    [[nodiscard]] std::optional<shared_buffer> slice(std::size_t offset, std::size_t length) const noexcept {
        if (offset > size_ || length > size_ - offset) return std::nullopt;
        return slice_unchecked(offset, length);
    }

    /// The slice whose bytes are `part`, which was obtained from this buffer, in O(1); nullopt for other
    /// bytes.
    ///
    /// For an empty part the result is an empty buffer, wherever the part points.
    [[nodiscard]] std::optional<shared_buffer> slice_of(std::span<const std::byte> part) const noexcept {
        return slice_at(part.data(), part.size());
    }
    [[nodiscard]] std::optional<shared_buffer> slice_of(std::string_view part) const noexcept {
        return slice_at(bytes_of_text(part).data(), part.size());
    }

    /// Removes the first `n` bytes and returns them, in O(1); nullopt, without a change, if there are fewer.
    [[nodiscard]] std::optional<shared_buffer> split_to(std::size_t n) noexcept {
        if (n > size_) return std::nullopt;
        shared_buffer head = slice_unchecked(0, n);
        *this = slice_unchecked(n, size_ - n);
        return head;
    }

    /// Keeps the first `n` bytes, removes the rest and returns it, in O(1); nullopt, without a change, if
    /// there are fewer.
    [[nodiscard]] std::optional<shared_buffer> split_off(std::size_t n) noexcept {
        if (n > size_) return std::nullopt;
        shared_buffer tail = slice_unchecked(n, size_ - n);
        truncate(n);
        return tail;
    }

    /// Keeps the first `n` bytes; no effect if there are fewer.
    void truncate(std::size_t n) noexcept {
        if (n < size_) *this = slice_unchecked(0, n);
    }

    /// Whether this is the only buffer on its memory; false for static bytes, which have no count.
    ///
    /// If true, all that former holders did on other threads happens before this call (acquire).
    [[nodiscard]] bool is_unique() const noexcept { return memory_.sole(); }

    /// Whether the memory can never become writable: static bytes, and what adopt took over for reading.
    /// false for an empty buffer.
    [[nodiscard]] bool is_read_only() const noexcept {
        return size_ != 0 && (!memory_ || memory_->writable == nullptr);
    }

    /// The same memory, writable, in O(1), if this was the last buffer on it; otherwise the error is this
    /// buffer, unchanged.
    ///
    /// Works for memory that kwire allocated, for containers that `adopt` took over, and for adopt_exclusive;
    /// other memory is read-only (is_read_only). Defined in unique_buffer.hpp.
    [[nodiscard]] expected<unique_buffer, shared_buffer> try_into_unique() && noexcept;

    /// A copy in memory of its own, so that a small part does not keep a large buffer alive; counted in
    /// copied_bytes().
    [[nodiscard]] shared_buffer detach() const { return copy_of(span()); }

    /// The size in bytes of the memory that this buffer keeps alive; 0 for static bytes.
    ///
    /// Small frames of a frame_reader share what was read at once: each of them keeps all of it alive, as
    /// many bytes as its reader reads ahead at most. detach() makes a small one independent.
    [[nodiscard]] std::size_t pinned_bytes() const noexcept { return memory_ ? memory_->whole().size : 0; }
    /// Whether both keep the same memory alive, so that its pinned_bytes() count once.
    [[nodiscard]] bool shares_memory_with(const shared_buffer& other) const noexcept {
        return memory_ && other.memory_ && &memory_->whole() == &other.memory_->whole();
    }

    void swap(shared_buffer& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        memory_.swap(other.memory_);
    }

    /// Compares the content.
    friend bool operator==(const shared_buffer& a, const shared_buffer& b) noexcept {
        if (a.size_ != b.size_) return false;
        return a.data_ == b.data_ || a.size_ == 0 || std::memcmp(a.data_, b.data_, a.size_) == 0;
    }

private:
    friend payload;
    friend unique_buffer;
    friend detail::buffer_access;
    template <class View>
    friend class held;

    shared_buffer(const std::byte* data, std::size_t size, detail::memory_ref memory) noexcept
        : data_(data), size_(size), memory_(std::move(memory)) {}

    // cost: held calls this and not slice_of, for the choice between the two overloads of that takes 110 M
    // instructions of the compiler, 2.7 % of a program that parses and visits a message.
    [[nodiscard]] std::optional<shared_buffer> slice_at(const std::byte* part,
                                                        std::size_t size) const noexcept {
        if (size == 0) return shared_buffer{};
        return slice(detail::distance_from(data_, part), size);
    }
    [[nodiscard]] shared_buffer slice_unchecked(std::size_t offset, std::size_t length) const noexcept {
        if (length == 0) return {};
        return {data_ + offset, length, memory_};
    }

    const std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    detail::memory_ref memory_;
};

} // namespace kwire
