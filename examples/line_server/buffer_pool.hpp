// Blocks of memory that come back when the last slice of them is gone.
#pragma once

#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/buffer/unique_buffer.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace line_server {

/// For one thread: the last slice of a block must be destroyed on the thread of the pool, and before the
/// pool.
class buffer_pool {
public:
    /// Keeps up to `spare_blocks` free ones, each of `block_size` bytes.
    buffer_pool(std::size_t block_size, std::size_t spare_blocks)
        : block_size_(block_size), spare_blocks_(spare_blocks) {
        free_.reserve(spare_blocks);
    }
    buffer_pool(const buffer_pool&) = delete;
    buffer_pool& operator=(const buffer_pool&) = delete;

    /// An empty buffer with room for a block: the one that came back last, since caches still know it.
    [[nodiscard]] kwire::unique_buffer take() {
        block memory = free_.empty() ? std::make_unique_for_overwrite<std::byte[]>(block_size_)
                                     : std::move(free_.back());
        if (!free_.empty()) free_.pop_back();
        const std::span<std::byte> bytes(memory.get(), block_size_);
        auto whole = kwire::shared_buffer::adopt_exclusive(lease(*this, std::move(memory)), bytes);
        kwire::unique_buffer room = std::move(whole).try_into_unique().value(); // there is no other slice yet
        room.clear();
        return room;
    }

private:
    using block = std::unique_ptr<std::byte[]>;

    /// Owns a block while slices of it live.
    class lease {
    public:
        lease(buffer_pool& pool, block memory) noexcept : pool_(&pool), memory_(std::move(memory)) {}
        lease(lease&&) noexcept = default;
        lease& operator=(lease&&) noexcept = default;
        ~lease() {
            if (memory_ && pool_->free_.size() < pool_->spare_blocks_)
                pool_->free_.push_back(std::move(memory_));
        }

    private:
        buffer_pool* pool_;
        block memory_;
    };

    std::size_t block_size_;
    std::size_t spare_blocks_;
    std::vector<block> free_;
};

} // namespace line_server
