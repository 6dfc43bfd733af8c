/// Internal: a hash table of positions, which knows their hashes and not what lies there.
///
/// Open addressing with linear probing. An erased slot is filled by what was displaced from it, so that
/// tables in which much comes and goes stay as fast as new ones. The hashes are to have a key that peers do
/// not know (keyed_hash.hpp): otherwise they could make all positions lie in one run.
#pragma once

#include <kwire/detail/config.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace kwire::inline KWIRE_ABI::detail {

class position_table {
public:
    static constexpr std::uint32_t none = 0xffff'ffff;

    /// The position with this hash for which `is(position)` is true, or none.
    template <class Is>
    [[nodiscard]] std::uint32_t find(std::uint64_t hash, Is is) const noexcept {
        if (slots_.empty()) return none;
        const std::uint32_t tag = tag_of(hash);
        for (std::size_t i = tag & mask_; slots_[i].position != none; i = (i + 1) & mask_)
            if (slots_[i].tag == tag && is(slots_[i].position)) return slots_[i].position;
        return none;
    }

    /// Room for so many positions. Throws std::bad_alloc, and then nothing has changed.
    void reserve(std::size_t positions) {
        if (positions * 2 <= slots_.size()) return;
        std::size_t size = slots_.empty() ? 16 : slots_.size();
        while (size < positions * 2) size *= 2;
        std::vector<slot> larger(size);
        std::swap(larger, slots_);
        mask_ = size - 1;
        for (const slot& old : larger)
            if (old.position != none) put(old);
    }

    /// Adds a position that is not there. @pre there is room
    void insert(std::uint64_t hash, std::uint32_t position) noexcept { put({tag_of(hash), position}); }

    /// Takes out a position with its hash. @pre it is there
    void erase(std::uint64_t hash, std::uint32_t position) noexcept {
        std::size_t hole = tag_of(hash) & mask_;
        while (slots_[hole].position != position) hole = (hole + 1) & mask_;
        for (std::size_t i = (hole + 1) & mask_; slots_[i].position != none; i = (i + 1) & mask_) {
            const std::size_t home = slots_[i].tag & mask_;
            // What comes after the hole fills it unless its home is after it, too: distances go around the
            // end.
            if (((i - home) & mask_) >= ((i - hole) & mask_)) {
                slots_[hole] = slots_[i];
                hole = i;
            }
        }
        slots_[hole] = {};
    }

    /// The bytes that it has allocated.
    [[nodiscard]] std::size_t allocated() const noexcept { return slots_.capacity() * sizeof(slot); }

private:
    struct slot {
        std::uint32_t tag = 0; ///< of the hash, so that others are seldom looked at
        std::uint32_t position = none;
    };

    [[nodiscard]] static std::uint32_t tag_of(std::uint64_t hash) noexcept {
        return static_cast<std::uint32_t>(hash);
    }
    void put(slot filled) noexcept {
        std::size_t i = filled.tag & mask_;
        while (slots_[i].position != none) i = (i + 1) & mask_;
        slots_[i] = filled;
    }

    std::vector<slot> slots_; ///< a power of two, at most half of them filled
    std::size_t mask_ = 0;
};

} // namespace kwire::inline KWIRE_ABI::detail
