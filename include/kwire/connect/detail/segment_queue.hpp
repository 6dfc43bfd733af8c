/// Internal: the segments that wait in an outbox.
#pragma once

#include <kwire/buffer/detail/piece_source.hpp>
#include <kwire/buffer/shared_buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace kwire::inline KWIRE_ABI::detail {

/// Bytes to send, and where more of them come from, if not all are there yet.
struct queued_segment {
    shared_buffer bytes;                  ///< never empty at the front of a queue
    std::unique_ptr<piece_source> source; ///< null if these are all
};

/// A ring of segments. Its memory grows geometrically, and is given up when the ring is empty and large.
class segment_queue {
public:
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    [[nodiscard]] queued_segment& operator[](std::size_t i) noexcept { return ring_[slot(i)]; }
    [[nodiscard]] const queued_segment& operator[](std::size_t i) const noexcept { return ring_[slot(i)]; }

    /// Room for `more` segments; std::bad_alloc, without a change, if there is no memory for it.
    void reserve(std::size_t more) {
        if (more <= ring_.size() - count_) return;
        std::size_t room = ring_.empty() ? 16 : 2 * ring_.size();
        while (room - count_ < more) room *= 2;
        std::vector<queued_segment> larger(room);
        for (std::size_t i = 0; i < count_; ++i) larger[i] = std::move((*this)[i]);
        ring_ = std::move(larger);
        first_ = 0;
    }
    /// Precondition: there is room, by reserve().
    void push_back(queued_segment&& segment) noexcept { (*this)[count_++] = std::move(segment); }
    void pop_front() noexcept {
        ring_[first_] = {};
        first_ = slot(1);
        if (--count_ == 0 && ring_.size() > 1024) ring_ = std::vector<queued_segment>();
        if (count_ == 0) first_ = 0;
    }
    void clear() noexcept {
        while (!empty()) pop_front();
    }

private:
    [[nodiscard]] std::size_t slot(std::size_t i) const noexcept { return (first_ + i) & (ring_.size() - 1); }

    std::vector<queued_segment> ring_; ///< a power of two of them, or none
    std::size_t first_ = 0, count_ = 0;
};

} // namespace kwire::inline KWIRE_ABI::detail
