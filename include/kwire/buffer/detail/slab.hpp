/// Internal: memory that many small buffers share, each of them exclusive owner of its own region.
#pragma once

#include <kwire/buffer/detail/buffer_access.hpp>
#include <kwire/buffer/detail/memory.hpp>
#include <kwire/buffer/shared_buffer.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <utility>

namespace kwire::inline KWIRE_ABI::detail {

/// Memory whose owner fills it and hands out disjoint regions as buffers, in order.
///
/// Each region has a reference count of its own, so that its last holder may write to it although others hold
/// its neighbours. The memory lives until the slab and all regions are gone. The slab is used on one thread
/// at a time, its regions on any.
///
/// The counts lie in blocks of the slab's own, a few in the first and then 64 in each.
// cost: an allocation for each count takes 20 ns more for a frame of 60 bytes.
class slab {
    struct block;

    struct region_room {
        alignas(memory_region) std::byte bytes[sizeof(memory_region)];
    };
    static constexpr std::size_t first_counts = 8, further_counts = 64;
    struct counts {
        counts* next = nullptr;
        region_room room[further_counts];
    };

    /// Its reference count starts at `bias`, which the slab holds and takes its regions' references from:
    /// so that handing out a region needs no read-modify-write.
    struct block : memory_control {
        counts* further = nullptr;
        region_room room[first_counts];

        block(std::byte* bytes, std::size_t n) noexcept : memory_control(&destroy_this, bytes, n) {
            references.store(bias, std::memory_order_relaxed);
        }
    };
    static constexpr std::size_t bias = SIZE_MAX / 4;

public:
    slab() = default;
    slab(const slab&) = delete;
    slab& operator=(const slab&) = delete;
    ~slab() { reset(); }

    /// Room for `capacity` bytes, in one allocation with the counts of a few regions; the former memory is
    /// given up. If it fails, nothing has changed.
    void allocate(std::size_t capacity) {
        auto* const memory = static_cast<std::byte*>(::operator new(saturating_add(sizeof(block), capacity)));
        reset();
        block_ = ::new (static_cast<void*>(memory)) block(memory + sizeof(block), capacity);
    }
    /// Gives the memory up; regions keep it.
    void reset() noexcept {
        if (block_ != nullptr) drop(block_, bias - given_);
        block_ = nullptr;
        given_ = 0;
    }
    /// As new, with the same memory. Precondition: sole().
    void reuse() noexcept {
        block_->references.store(bias, std::memory_order_relaxed);
        given_ = 0;
    }

    void swap(slab& other) noexcept {
        std::swap(block_, other.block_);
        std::swap(current_, other.current_);
        std::swap(used_, other.used_);
        std::swap(given_, other.given_);
    }

    [[nodiscard]] std::byte* data() noexcept { return block_ != nullptr ? block_->writable : nullptr; }
    [[nodiscard]] const std::byte* data() const noexcept {
        return block_ != nullptr ? block_->writable : nullptr;
    }
    [[nodiscard]] std::size_t capacity() const noexcept { return block_ != nullptr ? block_->size : 0; }
    /// Whether no region is alive. If true, all that their holders did on other threads happens before.
    [[nodiscard]] bool sole() const noexcept {
        return block_ != nullptr && block_->references.load(std::memory_order_acquire) == bias - given_;
    }

    /// The region of `n` bytes from `offset` as a buffer that owns it. Preconditions: it lies in the memory,
    /// and no byte of it was handed out before. std::bad_alloc if there is no memory for its count.
    [[nodiscard]] shared_buffer take(std::size_t offset, std::size_t n) {
        void* const room = next_count();
        std::byte* const first = block_->writable + offset;
        auto* const control = ::new (room) memory_region(block_, first, n);
        ++given_;
        return buffer_access::slice_of(std::span<const std::byte>(first, n), memory_ref(control));
    }

private:
    [[nodiscard]] void* next_count() {
        if (given_ == 0) {
            used_ = 0;
            current_ = nullptr;
        }
        region_room* const room = current_ != nullptr ? current_->room : block_->room;
        const std::size_t in_all = current_ != nullptr ? further_counts : first_counts;
        if (used_ < in_all) [[likely]]
            return room[used_++].bytes;
        counts*& next = current_ != nullptr ? current_->next : block_->further;
        if (next == nullptr) next = ::new counts; // or it is there from an earlier use
        current_ = next;
        used_ = 1;
        return current_->room[0].bytes;
    }

    static void drop(block* whole, std::size_t references) noexcept {
        if (whole->references.fetch_sub(references, std::memory_order_acq_rel) == references)
            destroy_this(whole);
    }
    static void destroy_this(memory_control* control) noexcept {
        auto* const whole = static_cast<block*>(control);
        for (counts* each = whole->further; each != nullptr;) delete std::exchange(each, each->next);
        whole->~block();
        ::operator delete(whole);
    }

    block* block_ = nullptr;
    counts* current_ = nullptr; ///< in which the next count lies; null: in the block
    std::size_t used_ = 0;      ///< counts of it
    std::size_t given_ = 0;     ///< regions since the last use
};

} // namespace kwire::inline KWIRE_ABI::detail
