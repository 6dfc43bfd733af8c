/// Internal: memory for bytes that are still to arrive; grows with them, without copying where the system
/// can.
#pragma once

#include <kwire/buffer/page_pool.hpp>
#include <kwire/buffer/unique_buffer.hpp>

#include <cstddef>
#include <span>
#include <utility>

namespace kwire::detail {

/// Grows by moving its bytes into a larger allocation, which is counted. Works everywhere.
class copying_memory {
public:
    [[nodiscard]] std::byte* data() noexcept { return bytes_.data(); }
    [[nodiscard]] const std::byte* data() const noexcept { return bytes_.data(); }
    [[nodiscard]] std::size_t capacity() const noexcept { return bytes_.capacity(); }

    /// Allocates room for the `first` bytes of `total`, or more.
    void begin(std::size_t /*total*/, std::size_t first) { bytes_ = unique_buffer::with_capacity(first); }

    /// Grows to `capacity` bytes and keeps the first `filled`. If the allocation fails, nothing has changed.
    void grow(std::size_t capacity, std::size_t filled) {
        unique_buffer larger = unique_buffer::with_capacity(capacity);
        copy_bytes(larger.data(), bytes_.data(), filled);
        bytes_ = std::move(larger);
    }

    /// Returns the first `size` bytes, which must be filled; the memory is empty afterwards.
    [[nodiscard]] shared_buffer take(std::size_t size) {
        bytes_.commit(size);
        return std::move(bytes_).freeze();
    }

private:
    unique_buffer bytes_; ///< never has filled bytes before take()
};

/// Grows by remapping its pages: the bytes stay in their physical memory, if necessary at another address.
///
/// Up to 256 KiB that are allocated at once lie on the heap, which gives the same memory out again and needs
/// no mapping for each. If a mapping fails, the heap is used too, because a frame must not fail then; these
/// copies are counted.
///
/// `Pages` provides map, grow and unmap, as page_cache.
template <class Pages>
class page_memory {
public:
    [[nodiscard]] std::byte* data() noexcept { return pages_.size() != 0 ? pages_.data() : heap_.data(); }
    [[nodiscard]] const std::byte* data() const noexcept {
        return pages_.size() != 0 ? pages_.data() : heap_.data();
    }
    [[nodiscard]] std::size_t capacity() const noexcept {
        return pages_.size() != 0 ? pages_.size() : heap_.capacity();
    }

    void begin(std::size_t total, std::size_t first) {
        constexpr std::size_t most_on_heap = std::size_t{256} * 1024, least_pages = std::size_t{64} * 1024;
        // Pages that are in use already may be as large as all of it. Who has sent next to nothing gets none.
        const std::size_t most = first > least_pages ? saturating_add(total, total / 4) : first;
        if (first < total || first > most_on_heap)
            pages_ = mapping(first, most > least_pages ? most : least_pages);
        if (pages_.size() == 0) heap_.begin(total, first);
    }

    void grow(std::size_t capacity, std::size_t filled) {
        if (pages_.size() == 0) return heap_.grow(capacity, filled);
        if (pages_.grow(capacity)) return;
        heap_.begin(capacity, capacity);
        copy_bytes(heap_.data(), pages_.data(), filled);
        pages_ = {};
    }

    [[nodiscard]] shared_buffer take(std::size_t size) {
        if (pages_.size() == 0) return heap_.take(size);
        const std::span<std::byte> all(pages_.data(), pages_.size());
        shared_buffer frame = shared_buffer::adopt_exclusive(std::move(pages_), all);
        frame.truncate(size);
        return frame;
    }

private:
    class mapping {
    public:
        mapping() = default;
        mapping(std::size_t n, std::size_t most) noexcept : pages_(Pages::map(n, most)) {}
        mapping(mapping&& other) noexcept : pages_(std::exchange(other.pages_, {})) {}
        mapping& operator=(mapping&& other) noexcept {
            mapping taken(std::move(other));
            std::swap(pages_, taken.pages_);
            return *this;
        }
        ~mapping() {
            if (pages_.size != 0) Pages::unmap(pages_);
        }

        [[nodiscard]] std::byte* data() const noexcept { return static_cast<std::byte*>(pages_.first); }
        [[nodiscard]] std::size_t size() const noexcept { return pages_.size; }
        [[nodiscard]] bool grow(std::size_t n) noexcept { return Pages::grow(pages_, n); }

    private:
        mapped_pages pages_;
    };

    mapping pages_;
    copying_memory heap_;
};

#if defined(KWIRE_KEEPS_PAGES)
struct recycled_pages {
    static mapped_pages map(std::size_t n, std::size_t most) noexcept { return released_pages.map(n, most); }
    static bool grow(mapped_pages& pages, std::size_t n) noexcept { return released_pages.grow(pages, n); }
    static void unmap(mapped_pages pages) noexcept { released_pages.unmap(pages); }
};
using growing_memory = page_memory<recycled_pages>;
#else
using growing_memory = copying_memory;
#endif

} // namespace kwire::detail
