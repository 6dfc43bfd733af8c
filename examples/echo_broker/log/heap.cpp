#include "echo_broker/log/heap.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#if defined(__GLIBC__)
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace echo_broker {

#if defined(__GLIBC__) && defined(MADV_POPULATE_WRITE)
namespace {

std::uintptr_t heap_end() noexcept { return std::bit_cast<std::uintptr_t>(::sbrk(0)); }

std::uintptr_t looked_at_until =
    0; ///< the end of the part of the heap that needs no look any more; 0: not arranged

} // namespace

void arrange_heap() {
    ::mallopt(M_TOP_PAD, 1 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 16 << 20);
    ::mallopt(M_MMAP_THRESHOLD, 512 << 10); // what is larger has pages of its own
    looked_at_until = heap_end();
}

void take_memory() noexcept {
    constexpr std::uintptr_t page = 4096, most = 4 << 20;
    const std::uintptr_t end = heap_end() / page * page;
    if (looked_at_until == 0 || end == looked_at_until) return;
    const std::uintptr_t first = (looked_at_until + page - 1) / page * page;
    if (end > first && end - first <= most) // best effort: otherwise the pages come one by one
        static_cast<void>(::madvise(std::bit_cast<void*>(first), end - first, MADV_POPULATE_WRITE));
    looked_at_until = end;
}

void give_back_memory() noexcept {
    if (looked_at_until == 0) return;
    ::malloc_trim(0);
    looked_at_until = heap_end();
}
#else
void arrange_heap() {}
void take_memory() noexcept {}
void give_back_memory() noexcept {}
#endif

} // namespace echo_broker
