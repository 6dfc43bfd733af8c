/// Internal: the pieces of a batch that is written again: old bytes by reference, and new ones.
#pragma once

#include <kwire/buffer/detail/buffer_access.hpp>
#include <kwire/buffer/detail/memory.hpp>
#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/detail/config.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace kwire::inline KWIRE_ABI::detail {

/// A piece of a new batch.
struct batch_piece {
    static constexpr std::uint64_t new_bytes = ~std::uint64_t{0};

    shared_buffer bytes;
    std::uint64_t old_at = new_bytes; ///< their place in the old bytes, if they are old ones
};

/// Collects the pieces of one batch after the other. New bytes are written to scratch memory, in blocks that
/// never move.
class batch_pieces {
public:
    /// `expected` bytes are allocated with the first new byte.
    explicit batch_pieces(std::size_t expected) noexcept : next_block_(expected) {}

    /// Begins a batch whose old bytes are `old`. Its first `lead` bytes are new ones, which start() gives.
    void begin(shared_buffer old, std::size_t lead) noexcept {
        if (std::exchange(expected_, 0) != 0) block_ = std::exchange(set_aside_, {});
        old_ = std::move(old);
        pieces_.clear();
        size_ = 0;
        lead_ = lead;
    }
    /// So many new bytes are to be in one piece if the batch gets any, in memory that other batches do not
    /// use: a codec reads them, and what leaves of other batches would keep all of that memory.
    void expect(std::size_t bytes) noexcept {
        if (bytes <= block_.capacity()) return;
        set_aside_ = std::exchange(block_, {});
        expected_ = bytes;
    }
    /// Makes the first bytes of the batch its first piece and returns where to write them.
    [[nodiscard]] std::byte* start() {
        const std::size_t lead = lead_;
        std::byte* const first = room(0) - lead;
        lead_ = 0;
        if (lead != 0) written(lead);
        return first;
    }

    /// At least `n` bytes of scratch memory, where the next new bytes are written; they stay where they are
    /// until more are asked for.
    [[nodiscard]] std::byte* room(std::size_t n) {
        if (block_.capacity() < lead_ || n > block_.capacity() - lead_) [[unlikely]]
            new_block(saturating_add(lead_, n));
        return block_.data() + lead_;
    }
    /// As room, with what the first `kept` bytes of the last room hold.
    [[nodiscard]] std::byte* larger_room(std::size_t n, std::size_t kept) {
        if (n <= block_.capacity()) return block_.data();
        const unique_buffer old = std::exchange(block_, {});
        new_block(n);
        copy_bytes(block_.data(), old.data(), kept);
        return block_.data();
    }
    /// Takes the first `n` bytes of the last room as the next piece.
    void written(std::size_t n) {
        size_ += n;
        if (!pieces_.empty() && pieces_.back().old_at == batch_piece::new_bytes &&
            buffer_access::adjacent_to_spare(pieces_.back().bytes, block_)) [[likely]]
            buffer_access::extend(pieces_.back().bytes, n);
        else
            pieces_.push_back({.bytes = buffer_access::share(block_, n)});
        buffer_access::advance(block_, n);
    }
    /// Copies `bytes`, counted in copied_bytes().
    void copy(std::span<const std::byte> bytes) {
        if (bytes.empty()) return;
        copy_bytes(room(bytes.size()), bytes.data(), bytes.size());
        written(bytes.size());
    }
    /// Takes `size` of the old bytes from `from` on, by reference.
    void keep(std::size_t from, std::size_t size) {
        if (size == 0) return;
        size_ += size;
        if (!pieces_.empty()) {
            batch_piece& last = pieces_.back();
            if (last.old_at != batch_piece::new_bytes && last.old_at + last.bytes.size() == from)
                return buffer_access::extend(last.bytes, size);
        }
        pieces_.push_back({buffer_access::slice(old_, from, size), from});
    }
    /// Takes `bytes` from elsewhere, by reference.
    void attach(shared_buffer bytes) {
        if (bytes.empty()) return;
        size_ += bytes.size();
        pieces_.push_back({.bytes = std::move(bytes)});
    }

    [[nodiscard]] std::span<batch_piece> pieces() noexcept { return pieces_; }
    [[nodiscard]] std::span<const batch_piece> pieces() const noexcept { return pieces_; }
    /// The bytes of all pieces.
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    [[nodiscard]] const shared_buffer& old() const noexcept { return old_; }

private:
    static constexpr std::size_t least_block = 256, largest_growth = 65536;

    KWIRE_NOINLINE void new_block(std::size_t n) {
        if (expected_ != 0) {
            block_ = unique_buffer::with_capacity(std::max(n, expected_));
            return;
        }
        block_ = unique_buffer::with_capacity(std::max({n, next_block_, least_block}));
        next_block_ = std::clamp(2 * block_.capacity(), least_block, largest_growth);
    }

    shared_buffer old_;
    std::vector<batch_piece> pieces_;
    unique_buffer block_;     ///< never has filled bytes: what is written belongs to the last piece
    unique_buffer set_aside_; ///< the block of other batches, while one has a block of its own
    std::size_t next_block_;
    std::size_t expected_ = 0; ///< of the batch that has a block of its own
    std::size_t lead_ = 0;     ///< how many bytes of the block are for the beginning of the batch
    std::uint64_t size_ = 0;
};

} // namespace kwire::inline KWIRE_ABI::detail
