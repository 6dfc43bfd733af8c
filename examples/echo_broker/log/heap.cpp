#include "echo_broker/log/heap.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdlib>

#if defined(__GLIBC__)
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace echo_broker {

#if defined(__GLIBC__)
namespace {

bool arranged = false; ///< before there are threads

/// Lets the heap grow by `bytes` at once, and asks for large pages in this part.
void grow_heap(std::uint64_t bytes) {
    constexpr std::size_t large_page = std::size_t{2} << 20;
    constexpr int usual_pad = 128 << 10;
    constexpr std::uint64_t most = std::uint64_t{1} << 30; // what mallopt takes; more memory is usual pages
    const auto before = std::bit_cast<std::uintptr_t>(::sbrk(0));
    ::mallopt(M_TOP_PAD, static_cast<int>(std::min(bytes, most)));
    void* const grown =
        std::malloc(large_page / 4); // more than what is free, less than what is mapped for itself
    ::mallopt(M_TOP_PAD, usual_pad);
    std::free(grown);
    const auto end = std::bit_cast<std::uintptr_t>(::sbrk(0));
    const std::uintptr_t first = (before + large_page - 1) / large_page * large_page;
    if (grown == nullptr || end <= first) return;
    ::madvise(std::bit_cast<void*>(first), end - first,
              MADV_HUGEPAGE); // without them it is slower, and works
}

} // namespace

void use_large_pages(std::uint64_t bytes) {
    // What is larger than this has pages of its own. What is free stays with the heap, for the next batches.
    ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
    grow_heap(bytes);
    arranged = true;
}

void give_back_free_memory() {
    if (arranged) ::malloc_trim(0);
}
#else
void use_large_pages(std::uint64_t) {}
void give_back_free_memory() {}
#endif

} // namespace echo_broker
