/// Internal: what other parts of kwire may do with the private parts of buffers.
#pragma once

#include <kwire/buffer/detail/memory.hpp>
#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/error.hpp>

#include <cstddef>
#include <span>
#include <utility>

namespace kwire::inline KWIRE_ABI::detail {

/// What other parts of kwire may do with buffers and users may not.
struct buffer_access {
    /// Why try_into_unique() fails for `b`.
    static errc refusal(const shared_buffer& b) noexcept {
        return b.is_read_only() ? errc::buffer_read_only : errc::buffer_shared;
    }
    /// slice() without its check. Precondition: the range lies inside `b`.
    static shared_buffer slice(const shared_buffer& b, std::size_t offset, std::size_t length) noexcept {
        return b.slice_unchecked(offset, length);
    }
    /// A buffer of `bytes`, which `memory` keeps alive.
    static shared_buffer slice_of(std::span<const std::byte> bytes, memory_ref memory) noexcept {
        return {bytes.data(), bytes.size(), std::move(memory)};
    }
    /// Whether `b` begins where `a` ends, in the same allocation.
    static bool adjacent(const shared_buffer& a, const shared_buffer& b) noexcept {
        return a.memory_ && a.memory_ == b.memory_ && a.data_ + a.size_ == b.data_;
    }
    /// Whether the spare part of `b` begins where `a` ends.
    static bool adjacent_to_spare(const shared_buffer& a, const unique_buffer& b) noexcept {
        return a.memory_ && a.memory_ == b.memory_ && a.data_ + a.size_ == b.data_ + b.size_;
    }
    /// Extends `a` by the `n` bytes that follow it, which its owner may read.
    static void extend(shared_buffer& a, std::size_t n) noexcept { a.size_ += n; }
    /// Moves the beginning of `b`, which has no filled bytes, past `n` bytes that were written and handed
    /// out.
    static void advance(unique_buffer& b, std::size_t n) noexcept {
        b.data_ += n;
        b.capacity_ -= n;
    }
    /// Takes the last `n` bytes of the spare part of `b` away from it. Precondition: it has as many.
    static std::byte* take_end(unique_buffer& b, std::size_t n) noexcept {
        b.capacity_ -= n;
        return b.data_ + b.capacity_;
    }
    /// The first `n` bytes of the spare part of `b`, as a buffer that shares its memory.
    static shared_buffer share(const unique_buffer& b, std::size_t n) noexcept {
        return {b.data_ + b.size_, n, b.memory_};
    }
    /// `n` bytes from `first` on, in `memory`, that no other buffer has, as the spare part of a buffer.
    static unique_buffer spare(std::byte* first, std::size_t n, memory_ref memory) noexcept {
        return {first, 0, n, std::move(memory)};
    }
    static const memory_ref& memory(const unique_buffer& b) noexcept { return b.memory_; }
    static memory_control* control(const shared_buffer& b) noexcept { return b.memory_.get(); }
    /// The reference of a buffer, which may be null and which the caller gives back. The buffer is not to be
    /// used any more, but to be destroyed, or to get another value.
    template <class Buffer>
    [[nodiscard]] static memory_control* take_out(Buffer& b) noexcept {
        return std::move(b.memory_).take_out();
    }
};

} // namespace kwire::inline KWIRE_ABI::detail
