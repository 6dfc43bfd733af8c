/// Counts the allocations of the whole program. Replaces the global operator new: include it in one source
/// file of a program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace bench {

/// Calls of operator new since the start of the program. The benchmarks have one thread.
inline std::uint64_t allocations = 0;

inline void* counted(void* memory) {
    ++allocations;
    if (memory == nullptr) std::abort();
    return memory;
}

inline std::size_t rounded_up(std::size_t size, std::align_val_t alignment) noexcept {
    const auto unit = static_cast<std::size_t>(alignment);
    return (size + unit - 1) / unit * unit;
}

} // namespace bench

// The array forms and the non-throwing forms call these. If only one of a pair were inlined, GCC would report
// a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) {
    return bench::counted(std::malloc(size != 0 ? size : 1));
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
    return bench::counted(
        std::aligned_alloc(static_cast<std::size_t>(alignment), bench::rounded_up(size, alignment)));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    std::free(memory);
}
