/// Internal: the bytes of a stream that were read but not taken, and the room for the next ones.
#pragma once

#include <kwire/buffer/detail/memory.hpp>
#include <kwire/buffer/detail/slab.hpp>
#include <kwire/buffer/shared_buffer.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace kwire::inline KWIRE_ABI::detail {

/// Reads ahead into a slab, or, with a read-ahead of 0, only the four bytes of a length.
///
/// How far it reads ahead follows the peer: 2 KiB at first, four times as much after a read that filled its
/// room with frames, a quarter after a few that did not need it. So a quiet connection has little memory, and
/// a small frame that is kept keeps little more than itself, unless many come at once.
class read_window {
public:
    explicit read_window(std::size_t read_ahead) noexcept
        : most_(read_ahead), ahead_(read_ahead < least ? read_ahead : least) {}

    /// The bytes that arrived and were not taken.
    [[nodiscard]] std::span<const std::byte> pending() const noexcept {
        return {(reads_ahead() ? slab_.data() : length_.data()) + begin_, end_ - begin_};
    }
    [[nodiscard]] bool reads_ahead() const noexcept { return most_ != 0; }

    /// Whether a frame of `n` bytes, length included, is to be read here and not into memory of its own.
    [[nodiscard]] bool holds(std::size_t n) const noexcept {
        if (!reads_ahead()) return false;
        return n <= slab_.capacity() - begin_ || n <= most_ / 4;
    }

    /// Room for the next bytes, when `n` from the first pending one on are needed. Precondition: holds(n), or
    /// n is 4. If memory runs out, nothing has changed.
    [[nodiscard]] std::span<std::byte> room(std::size_t n) {
        if (!reads_ahead()) return std::span(length_).subspan(end_);
        if (filled_ && taken_) { // there was a frame in it, and more to come
            ahead_ = ahead_ < most_ / 4 ? 4 * ahead_ : most_;
            filled_ = false;
        }
        if (begin_ == end_ && begin_ != 0 && slab_.sole()) {
            slab_.reuse();
            begin_ = end_ = 0;
        }
        const std::size_t missing = n - (end_ - begin_);
        std::size_t left = slab_.capacity() - end_;
        // Who reads a frame only because there is room for it, needs no room for more; and of a frame that
        // nearly fills the memory, the bytes move once and not before each read.
        const bool little = left < ahead_ / 4 && n <= most_ / 4 && left < capacity_for(n) - (end_ - begin_);
        if (left < missing || little) {
            renew(n);
            left = slab_.capacity() - end_;
        }
        const std::size_t wanted = missing < ahead_ ? ahead_ : saturating_add(missing, ahead_);
        offered_ = left < wanted ? left : wanted;
        return {slab_.data() + end_, offered_};
    }

    /// The bytes of room() that may still be filled.
    [[nodiscard]] std::size_t offered() const noexcept {
        return reads_ahead() ? offered_ : length_.size() - end_;
    }
    /// Precondition: n <= offered().
    void commit(std::size_t n) noexcept {
        end_ += n;
        if (!reads_ahead()) return;
        filled_ = n == offered_;
        taken_ = false;
        if (n >= ahead_ / 8)
            small_reads_ = 0;
        else if (++small_reads_ == patience)
            expect_less();
        offered_ = 0;
    }

    /// Takes `skipped` bytes out, and the `n` after them as a buffer. Precondition: they are pending and
    /// read_ahead is not 0. If there is no memory for the reference count, nothing has changed.
    [[nodiscard]] shared_buffer take(std::size_t skipped, std::size_t n) {
        shared_buffer out = slab_.take(begin_ + skipped, n);
        drop(skipped + n);
        taken_ = true;
        return out;
    }
    /// Takes `n` pending bytes out.
    void drop(std::size_t n) noexcept {
        begin_ += n;
        offered_ = 0;
        if (!reads_ahead()) begin_ = end_ = 0;
    }
    /// Takes the pending bytes out and writes those after `skipped` to `to`, for the beginning of a frame
    /// that has memory of its own.
    void move_to(std::byte* to, std::size_t skipped) noexcept {
        const std::span<const std::byte> bytes = pending().subspan(skipped);
        if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
        moved_ += bytes.size();
        drop(skipped + bytes.size());
        expect_less();
    }

    /// Frees the memory, if no bytes are pending.
    void release() noexcept {
        if (begin_ != end_) return;
        begin_ = end_ = offered_ = 0;
        slab_.reset();
    }
    /// Frees the memory and forgets the pending bytes.
    void clear() noexcept {
        begin_ = end_;
        release();
    }

    /// Bytes of memory, and how many bytes were moved because a frame did not fit where it began.
    [[nodiscard]] std::size_t capacity() const noexcept { return slab_.capacity(); }
    [[nodiscard]] std::uint64_t moved() const noexcept { return moved_; }
    /// How often it took memory.
    [[nodiscard]] std::uint64_t allocations() const noexcept { return allocations_; }

private:
    static constexpr std::size_t least = 2048;
    static constexpr unsigned patience = 8;

    void expect_less() noexcept {
        small_reads_ = 0;
        if (ahead_ > least) ahead_ = ahead_ / 4 > least ? ahead_ / 4 : least;
    }

    /// Bytes of memory for `n` bytes and what is read ahead.
    [[nodiscard]] std::size_t capacity_for(std::size_t n) const noexcept {
        return n <= ahead_ ? ahead_ : n + ahead_;
    }
    /// Room for as many, with the pending bytes at the front.
    void renew(std::size_t n) {
        const std::size_t kept = end_ - begin_;
        const std::size_t capacity = capacity_for(n);
        if (slab_.sole() && slab_.capacity() >= capacity) {
            if (kept != 0) std::memmove(slab_.data(), slab_.data() + begin_, kept);
            slab_.reuse();
        } else {
            slab larger;
            larger.allocate(capacity);
            if (kept != 0) std::memcpy(larger.data(), slab_.data() + begin_, kept);
            slab_.swap(larger);
            ++allocations_;
        }
        moved_ += kept;
        begin_ = 0;
        end_ = kept;
    }

    slab slab_;
    std::array<std::byte, 4> length_{}; ///< in place of the slab, if nothing is read ahead
    std::size_t begin_ = 0, end_ = 0;   ///< of what is pending
    std::size_t offered_ = 0;
    std::size_t most_;  ///< bytes to read ahead, at most
    std::size_t ahead_; ///< and for now
    std::uint64_t moved_ = 0, allocations_ = 0;
    unsigned small_reads_ = 0;
    bool filled_ = false; ///< by the last read: there was no room for more
    bool taken_ = false;  ///< a frame was taken since
};

} // namespace kwire::inline KWIRE_ABI::detail
