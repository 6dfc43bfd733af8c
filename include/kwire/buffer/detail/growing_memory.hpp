/// Internal: memory for bytes that are still to arrive; grows with them, without copying where the system
/// can.
#pragma once

#include <kwire/buffer/unique_buffer.hpp>

#include <cstddef>
#include <span>
#include <utility>

#if __has_include(<sys/mman.h>)
#include <sys/mman.h>
#endif

namespace kwire::detail {

/// Grows by moving its bytes into a larger allocation, which is counted. Works everywhere.
class copying_memory {
public:
    [[nodiscard]] std::byte* data() noexcept { return bytes_.data(); }
    [[nodiscard]] const std::byte* data() const noexcept { return bytes_.data(); }
    [[nodiscard]] std::size_t capacity() const noexcept { return bytes_.capacity(); }

    /// Allocates room for the `first` bytes of `total`.
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
/// Bytes that fit the first piece are not worth a mapping and lie on the heap. If a mapping fails, the heap
/// is used too, because a frame must not fail then; these copies are counted.
///
/// `Pages` calls the system: map(size) and remap(pages, old size, new size), both null on failure, and
/// unmap(pages, size).
template <class Pages>
class page_memory {
public:
    [[nodiscard]] std::byte* data() noexcept { return pages_.data != nullptr ? pages_.data : heap_.data(); }
    [[nodiscard]] const std::byte* data() const noexcept {
        return pages_.data != nullptr ? pages_.data : heap_.data();
    }
    [[nodiscard]] std::size_t capacity() const noexcept {
        return pages_.data != nullptr ? pages_.size : heap_.capacity();
    }

    void begin(std::size_t total, std::size_t first) {
        if (first < total) pages_ = mapping(first);
        if (pages_.data == nullptr) heap_.begin(total, first);
    }

    void grow(std::size_t capacity, std::size_t filled) {
        if (pages_.data == nullptr) return heap_.grow(capacity, filled);
        if (pages_.resize(capacity)) return;
        heap_.begin(capacity, capacity);
        copy_bytes(heap_.data(), pages_.data, filled);
        pages_ = {};
    }

    [[nodiscard]] shared_buffer take(std::size_t size) {
        if (pages_.data == nullptr) return heap_.take(size);
        const std::span<std::byte> bytes(pages_.data, size);
        return shared_buffer::adopt_exclusive(std::move(pages_), bytes);
    }

private:
    struct mapping {
        std::byte* data = nullptr;
        std::size_t size = 0;

        mapping() = default;
        explicit mapping(std::size_t n) noexcept : data(static_cast<std::byte*>(Pages::map(n))), size(n) {}
        mapping(mapping&& other) noexcept
            : data(std::exchange(other.data, nullptr)), size(std::exchange(other.size, 0)) {}
        mapping& operator=(mapping&& other) noexcept {
            mapping taken(std::move(other));
            std::swap(data, taken.data);
            std::swap(size, taken.size);
            return *this;
        }
        ~mapping() {
            if (data != nullptr) Pages::unmap(data, size);
        }

        [[nodiscard]] bool resize(std::size_t n) noexcept {
            void* moved = Pages::remap(data, size, n);
            if (moved == nullptr) return false;
            data = static_cast<std::byte*>(moved);
            size = n;
            return true;
        }
    };

    mapping pages_;
    copying_memory heap_;
};

#if defined(MREMAP_MAYMOVE)
/// Anonymous pages of Linux.
struct system_pages {
    static void* map(std::size_t n) noexcept {
        return valid(::mmap(nullptr, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    }
    static void* remap(void* pages, std::size_t from, std::size_t to) noexcept {
        return valid(::mremap(pages, from, to, MREMAP_MAYMOVE));
    }
    static void unmap(void* pages, std::size_t n) noexcept { ::munmap(pages, n); }

private:
    static void* valid(void* pages) noexcept { return pages == MAP_FAILED ? nullptr : pages; }
};
using growing_memory = page_memory<system_pages>;
#else
using growing_memory = copying_memory;
#endif

} // namespace kwire::detail
