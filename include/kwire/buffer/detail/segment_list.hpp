/// Internal: the list of segments in a buffer_chain.
///
/// The answers of an encoder are made once and moved a few times, and Boost.Asio copies what it sends: so a
/// list is one pointer, and copies share it until one of them changes.
#pragma once

#include <kwire/buffer/chain_segment.hpp>
#include <kwire/buffer/detail/buffer_access.hpp>
#include <kwire/buffer/detail/memory.hpp>
#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/detail/config.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace kwire::inline KWIRE_ABI::detail {

/// A vector of segments. One lies in the list itself; several lie in a block, which the copies of a list
/// share: who changes it makes a block of its own first.
///
/// A block can lie in the spare part of a unique_buffer, so that an encoder allocates once for its bytes and
/// for the list that refers to them.
class segment_list {
    /// Counted as all memory is; its bytes are the room for segments, of which the first `count` are in use.
    struct block : memory_control {
        memory_ref memory; ///< in which the block lies
        std::size_t count = 0;

        block(memory_ref lies_in, std::byte* segments, std::size_t room) noexcept
            : memory_control(&destroy_this, segments, room * sizeof(chain_segment)),
              memory(std::move(lies_in)) {}
        [[nodiscard]] chain_segment* first() const noexcept {
            void* const segments = writable;
            return static_cast<chain_segment*>(segments);
        }
        [[nodiscard]] std::size_t capacity() const noexcept { return size / sizeof(chain_segment); }

        static void destroy_this(memory_control* control) noexcept {
            auto* const self = static_cast<block*>(control);
            dropped_references references;
            const chain_segment* const end = self->first() + self->count;
            for (const chain_segment* i = self->first(); i != end; ++i)
                references.add(buffer_access::control(i->bytes_));
            references.add(std::move(self->memory).take_out()); // in which the block itself lies
            self->~block();
        }
    };
    static_assert(sizeof(block) % alignof(chain_segment) == 0 && alignof(block) >= alignof(chain_segment));

    static constexpr std::size_t smallest = 4;

public:
    void swap(segment_list& other) noexcept {
        block_.swap(other.block_);
        std::swap(only_, other.only_);
    }

    [[nodiscard]] const chain_segment* begin() const noexcept { return block_ ? list()->first() : &only_; }
    [[nodiscard]] const chain_segment* end() const noexcept { return begin() + size(); }
    [[nodiscard]] std::size_t size() const noexcept {
        if (block_) return list()->count;
        return only_.size() != 0 ? 1 : 0; // segments are never empty
    }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    [[nodiscard]] const chain_segment& back() const noexcept { return begin()[size() - 1]; }

    /// The bytes of segment `i`, to be changed. Precondition: no copy has it too, by `own`.
    [[nodiscard]] shared_buffer& bytes(std::size_t i) noexcept { return bytes(*place(i)); }
    [[nodiscard]] static shared_buffer& bytes(chain_segment& segment) noexcept { return segment.bytes_; }

    /// Whether there is room for `n` segments in all, and no copy has the list too.
    [[nodiscard]] bool has_room(std::size_t n) const noexcept {
        return block_ ? n <= list()->capacity() && block_.sole() : n <= 1;
    }
    /// Makes room for `more` segments, and the list the only holder of its block. The list grows
    /// geometrically, into the end of `spare` if it fits there after the first `keep` bytes. If memory runs
    /// out, nothing has changed.
    void own(std::size_t more, unique_buffer& spare, std::size_t keep = 0) {
        const std::size_t needed = saturating_add(size(), more);
        if (has_room(needed)) [[likely]]
            return;
        move_to(needed, spare, keep);
    }

    /// The bytes of segment `i`: taken out of the list, unless a copy has it too.
    [[nodiscard]] shared_buffer take(std::size_t i) noexcept {
        if (block_ && !block_.sole()) return list()->first()[i].bytes_;
        return std::move(bytes(i));
    }

    /// Precondition: there is room, by `own`.
    void push_back(shared_buffer&& bytes) noexcept {
        if (block_)
            put(list()->first() + list()->count++, std::move(bytes));
        else
            only_.bytes_ = std::move(bytes);
    }

    /// Where segment `i` lies or will lie. Precondition: there is room, by `own`.
    [[nodiscard]] chain_segment* place(std::size_t i) noexcept {
        return (block_ ? list()->first() : &only_) + i;
    }
    /// Makes a segment of `bytes` at `to`, where is none, or one whose reference it takes over.
    KWIRE_ALWAYS_INLINE static void put(chain_segment* to, shared_buffer&& bytes) noexcept {
        ::new (static_cast<void*>(to)) chain_segment(std::move(bytes));
    }
    /// There are `n` segments, each of which was put.
    void set_size(std::size_t n) noexcept {
        if (block_) list()->count = n;
    }
    /// Whether the list lies in memory of `control`.
    [[nodiscard]] bool lies_in(const memory_control* control) const noexcept {
        return block_ && list()->memory.get() == control;
    }

    /// A block with room for `n` segments at the end of `memory`, whose initial reference it takes over:
    /// bytes_for(n) bytes of that are for it. Preconditions: the list is new, and n > 1.
    void begin_in(memory_control& memory, std::size_t n) noexcept {
        const std::size_t bytes = room_for(n) * sizeof(chain_segment) + sizeof(block);
        std::byte* const end = memory.writable + memory.size;
        std::byte* const at = end - bytes - std::bit_cast<std::uintptr_t>(end - bytes) % alignof(block);
        block_ = memory_ref(::new (static_cast<void*>(at))
                                block(memory_ref(&memory), at + sizeof(block), room_for(n)));
    }
    /// Whether nothing was put into it, and no room was made.
    [[nodiscard]] bool is_new() const noexcept { return !block_ && only_.size() == 0; }

    /// How many bytes of memory a block of `n` segments takes at most, wherever it lies.
    [[nodiscard]] static constexpr std::size_t bytes_for(std::size_t n) noexcept {
        if (n <= 1) return 0;
        n = room_for(n);
        return saturating_add(n > SIZE_MAX / (2 * sizeof(chain_segment)) ? SIZE_MAX
                                                                         : n * sizeof(chain_segment),
                              sizeof(block) + alignof(block));
    }

    /// Removes all segments; keeps the block unless a copy needs it.
    void clear() noexcept {
        if (block_.sole())
            for (; list()->count != 0; --list()->count) list()->first()[list()->count - 1].~chain_segment();
        else
            block_ = {};
        only_.bytes_ = {};
    }

private:
    [[nodiscard]] static constexpr std::size_t room_for(std::size_t n) noexcept {
        return n > smallest ? n : smallest;
    }
    [[nodiscard]] block* list() const noexcept { return static_cast<block*>(block_.get()); }

    /// A block without segments: at the end of `spare` if there is room, else in memory of its own.
    [[nodiscard]] static memory_ref make_block(std::size_t room, unique_buffer& spare, std::size_t keep) {
        const std::size_t bytes = bytes_for(room);
        unique_buffer fresh;
        const bool fits = spare.capacity() >= keep && bytes <= spare.capacity() - keep;
        if (!fits) fresh = unique_buffer::with_capacity(bytes);
        unique_buffer& from = fits ? spare : fresh;
        const std::size_t past = (std::bit_cast<std::uintptr_t>(from.data()) + from.capacity()) %
                                 alignof(block); // so many bytes after the end of the block are left over
        std::byte* const at = buffer_access::take_end(from, bytes - alignof(block) + past);
        return memory_ref(::new (static_cast<void*>(at))
                              block(buffer_access::memory(from), at + sizeof(block), room));
    }

    KWIRE_NOINLINE void move_to(std::size_t needed, unique_buffer& spare, std::size_t keep) {
        const std::size_t count = size();
        std::size_t room = room_for(needed);
        const std::size_t before = block_ ? list()->capacity() : 0;
        if (needed > before && room < 2 * before) room = 2 * before;
        segment_list larger;
        larger.block_ = make_block(room, spare, keep);
        for (std::size_t i = 0; i < count; ++i) larger.push_back(take(i));
        swap(larger);
    }

    memory_ref block_;
    chain_segment only_; ///< the only segment, if there is no block; empty if there is none at all
};

} // namespace kwire::inline KWIRE_ABI::detail
