/// Owned bytes: shared_buffer is immutable, counted and sliceable; unique_buffer is exclusive and grows.
///
///     kwire::unique_buffer in = kwire::unique_buffer::with_capacity(4096);
///     in.commit(read(fd, in.spare()));                      // new bytes, no copy
///     kwire::shared_buffer frame = in.split().freeze();     // O(1); `in` keeps the rest of the memory
///     std::optional<kwire::shared_buffer> key = frame.slice(4, 16); // O(1), keeps the memory alive
#pragma once

#include <kwire/buffer/detail/memory.hpp>
#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/detail/config.hpp>
#include <kwire/expected.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <utility>

namespace kwire {

/// Bytes with one owner, which may write and append; freeze() makes them shared in O(1).
///
/// A range of an allocation: the filled part (data, size) and, after it, the spare part up to the capacity.
/// The ranges of unique_buffers never overlap each other or a shared_buffer, even if they were split from one
/// allocation, so writing needs no check. Move-only; a moved-from buffer is empty and has no capacity.
///
/// Threads: different unique_buffers may be used on different threads, even if they share an allocation.
class unique_buffer {
public:
    unique_buffer() = default;
    unique_buffer(unique_buffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)),
          capacity_(std::exchange(other.capacity_, 0)),
          memory_(std::move(other.memory_)) {}
    unique_buffer& operator=(unique_buffer&& other) noexcept {
        unique_buffer taken(std::move(other));
        swap(taken);
        return *this;
    }
    ~unique_buffer() = default;

    /// An empty buffer with room for `capacity` bytes, uninitialised, in one allocation; std::bad_alloc if it
    /// fails.
    [[nodiscard]] static unique_buffer with_capacity(std::size_t capacity) {
        if (capacity == 0) return {};
        detail::memory_ref memory = detail::allocate_memory(capacity);
        std::byte* begin = memory->writable;
        return {begin, 0, capacity, std::move(memory)};
    }

    [[nodiscard]] std::byte* data() & noexcept KWIRE_LIFETIMEBOUND { return data_; }
    [[nodiscard]] const std::byte* data() const& noexcept KWIRE_LIFETIMEBOUND { return data_; }
    const std::byte* data() const&& = delete;
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /// How many bytes fit without an allocation, the filled ones included.
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

    /// The filled part; valid until the buffer grows, is split, moved or destroyed.
    [[nodiscard]] std::span<std::byte> span() & noexcept KWIRE_LIFETIMEBOUND { return {data_, size_}; }
    [[nodiscard]] std::span<const std::byte> span() const& noexcept KWIRE_LIFETIMEBOUND {
        return {data_, size_};
    }
    std::span<const std::byte> span() const&& = delete;

    /// The unfilled part, uninitialised: write here, then commit().
    [[nodiscard]] std::span<std::byte> spare() & noexcept KWIRE_LIFETIMEBOUND {
        return {data_ + size_, capacity_ - size_};
    }
    std::span<std::byte> spare() && = delete;

    /// Declares the first `n` bytes of spare() filled. Aborts if there are fewer.
    void commit(std::size_t n) noexcept {
        detail::require(n <= capacity_ - size_);
        size_ += n;
    }

    /// Makes room for `additional` bytes after the filled ones.
    ///
    /// The capacity at least doubles, so that n appends copy O(n) bytes. Bytes that have to move are counted
    /// in copied_bytes(). If the allocation fails, nothing has changed.
    void reserve(std::size_t additional) {
        if (additional > capacity_ - size_) grow(additional);
    }

    /// Appends a copy of `bytes`; counted in copied_bytes(). `bytes` may lie in this buffer.
    void append(std::span<const std::byte> bytes) {
        unique_buffer old; // keeps the memory until `bytes`, which may lie in it, are copied
        if (bytes.size() > capacity_ - size_) {
            unique_buffer larger = grown(bytes.size());
            old = std::exchange(*this, std::move(larger));
        }
        detail::copy_bytes(data_ + size_, bytes.data(), bytes.size());
        size_ += bytes.size();
    }
    void append(const shared_buffer& bytes) { append(bytes.span()); }

    /// Removes all filled bytes and keeps the memory.
    void clear() noexcept { size_ = 0; }

    /// Keeps the first `n` bytes; no effect if there are fewer.
    void truncate(std::size_t n) noexcept {
        if (n < size_) size_ = n;
    }

    /// Removes the filled part and returns it, in O(1); this buffer keeps the spare part of the same
    /// allocation.
    [[nodiscard]] unique_buffer split() noexcept { return split_unchecked(size_); }

    /// Removes the first `n` bytes and returns them, in O(1); nullopt, without a change, if there are fewer.
    [[nodiscard]] std::optional<unique_buffer> split_to(std::size_t n) noexcept {
        if (n > size_) return std::nullopt;
        return split_unchecked(n);
    }

    /// Appends `tail`: in O(1) if it lies directly after the filled bytes, as after split(); otherwise by a
    /// copy. `tail` is empty afterwards. If an allocation fails, neither has changed.
    void unsplit(unique_buffer&& tail) {
        if (this == &tail) return;
        if (size_ == 0 && tail.size_ != 0) {
            swap(tail);
        } else if (memory_ && memory_ == tail.memory_ && size_ == capacity_ &&
                   data_ + capacity_ == tail.data_) {
            size_ += tail.size_;
            capacity_ += tail.capacity_;
        } else {
            append(std::as_const(tail).span());
        }
        tail = {};
    }

    /// The filled bytes as a shared_buffer, in O(1); the unused spare part stays allocated with them.
    [[nodiscard]] shared_buffer freeze() && noexcept {
        unique_buffer taken(std::move(*this));
        if (taken.size_ == 0) return {};
        return {taken.data_, taken.size_, std::move(taken.memory_)};
    }

    void swap(unique_buffer& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
        std::swap(memory_, other.memory_);
    }

private:
    friend shared_buffer;
    friend detail::buffer_access;

    static constexpr std::size_t smallest_growth = 64; ///< allocators round up smaller sizes anyway

    unique_buffer(std::byte* data, std::size_t size, std::size_t capacity, detail::memory_ref memory) noexcept
        : data_(data), size_(size), capacity_(capacity), memory_(std::move(memory)) {}

    [[nodiscard]] unique_buffer split_unchecked(std::size_t n) noexcept {
        if (n == capacity_) return std::move(*this); // no spare part is left that would need the memory
        if (n == 0) return {};
        unique_buffer head(data_, n, n, memory_);
        data_ += n;
        size_ -= n;
        capacity_ -= n;
        return head;
    }

    /// A larger buffer with the same filled bytes.
    [[nodiscard]] unique_buffer grown(std::size_t additional) const {
        std::size_t capacity = detail::saturating_add(size_, additional);
        const std::size_t doubled = detail::saturating_add(capacity_, capacity_);
        if (capacity < doubled) capacity = doubled;
        if (capacity < smallest_growth) capacity = smallest_growth;
        unique_buffer larger = with_capacity(capacity);
        detail::copy_bytes(larger.data_, data_, size_);
        larger.size_ = size_;
        return larger;
    }

    KWIRE_NOINLINE void grow(std::size_t additional) {
        unique_buffer larger = grown(additional);
        swap(larger);
    }

    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
    detail::memory_ref memory_;
};

inline expected<unique_buffer, shared_buffer> shared_buffer::try_into_unique() && noexcept {
    if (size_ == 0) {
        *this = {};
        return unique_buffer{};
    }
    if (!memory_.sole() || memory_->writable == nullptr) return unexpected(std::move(*this));
    const std::size_t offset = detail::distance_from(memory_->writable, data_);
    std::byte* begin = memory_->writable + offset;
    const std::size_t capacity = memory_->size - offset; // the only holder may use the rest of the allocation
    data_ = nullptr;
    return unique_buffer(begin, std::exchange(size_, 0), capacity, std::move(memory_));
}

} // namespace kwire
