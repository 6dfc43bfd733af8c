/// Memory of large frames that were released, kept for the next ones, so that the system need not clear pages
/// for them.
///
///     kwire::page_pool::set_limit(64 << 20); // bytes; 16 MiB by default, 0 keeps nothing
#pragma once

#include <kwire/detail/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

#if defined(KWIRE_ON_LINUX) && __has_include(<sys/mman.h>)
#include <sys/mman.h>
#if defined(MREMAP_MAYMOVE)
#define KWIRE_KEEPS_PAGES 1
#endif
#endif

namespace kwire {

namespace detail {

/// Pages of the system; no pointer where there are none.
struct mapped_pages {
    void* first = nullptr;
    std::size_t size = 0;
};

/// Released pages, at most `limit` bytes of them. `System` maps, remaps and unmaps as mmap and mremap do,
/// with null for a failure.
template <class System>
class page_cache {
public:
    explicit constexpr page_cache(std::size_t limit) noexcept : limit_(limit) {}

    /// Kept pages of `size` to `most` bytes, the smallest there are, else new ones of `size` bytes, rounded
    /// up; may fail.
    [[nodiscard]] mapped_pages map(std::size_t size, std::size_t most) noexcept {
        {
            const std::lock_guard lock(mutex_);
            std::size_t best = count_;
            for (std::size_t i = 0; i < count_; ++i)
                if (kept_[i].size >= size && (best == count_ || kept_[i].size < kept_[best].size)) best = i;
            if (best != count_ && kept_[best].size <= most) return take(best);
        }
        size = rounded(size);
        void* const fresh = System::map(size);
        return {fresh, fresh != nullptr ? size : 0};
    }
    /// Larger pages with the content of `pages`, if necessary at another address; otherwise nothing changes.
    [[nodiscard]] bool grow(mapped_pages& pages, std::size_t size) noexcept {
        size = rounded(size);
        void* const moved = System::remap(pages.first, pages.size, size);
        if (moved == nullptr) return false;
        pages = {moved, size};
        return true;
    }
    /// Takes pages that are not used any more.
    void unmap(mapped_pages pages) noexcept {
        {
            const std::lock_guard lock(mutex_);
            if (pages.size <= limit_ && held_ <= limit_ - pages.size && count_ < kept_.size()) {
                kept_[count_++] = pages;
                held_ += pages.size;
                return;
            }
        }
        System::unmap(pages.first, pages.size);
    }

    void set_limit(std::size_t bytes) noexcept {
        {
            const std::lock_guard lock(mutex_);
            limit_ = bytes;
        }
        for (;;) {
            mapped_pages surplus;
            {
                const std::lock_guard lock(mutex_);
                if (held_ <= limit_) return;
                surplus = take(count_ - 1);
            }
            System::unmap(surplus.first, surplus.size);
        }
    }
    [[nodiscard]] std::size_t held() noexcept {
        const std::lock_guard lock(mutex_);
        return held_;
    }

private:
    /// Whole pages.
    [[nodiscard]] static std::size_t rounded(std::size_t size) noexcept {
        constexpr std::size_t unit = 4096;
        return size > SIZE_MAX - unit ? size : (size + unit - 1) / unit * unit;
    }
    [[nodiscard]] mapped_pages take(std::size_t i) noexcept {
        const mapped_pages found = std::exchange(kept_[i], kept_[count_ - 1]);
        --count_;
        held_ -= found.size;
        return found;
    }

    std::mutex mutex_;
    std::array<mapped_pages, 64> kept_{};
    std::size_t count_ = 0;
    std::size_t held_ = 0;
    std::size_t limit_;
};

#if defined(KWIRE_KEEPS_PAGES)
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

inline constinit page_cache<system_pages> released_pages{std::size_t{16} * 1024 * 1024};
#endif

} // namespace detail

/// The memory that frames of more than 256 KiB release, in all threads of the process.
///
/// Only Linux has it; elsewhere such frames lie on the heap, and this does nothing. All functions may be
/// called on any thread.
class page_pool {
public:
    /// Sets how many bytes are kept at most, and frees what is more than that.
    static void set_limit([[maybe_unused]] std::size_t bytes) noexcept {
#if defined(KWIRE_KEEPS_PAGES)
        detail::released_pages.set_limit(bytes);
#endif
    }
    /// The bytes that are kept now.
    [[nodiscard]] static std::size_t held_bytes() noexcept {
#if defined(KWIRE_KEEPS_PAGES)
        return detail::released_pages.held();
#else
        return 0;
#endif
    }
};

} // namespace kwire
