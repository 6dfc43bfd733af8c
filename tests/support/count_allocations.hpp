/// Counts allocations by operator new, which it replaces: include it in one source file of a program.
///
/// With a sanitizer operator new cannot be replaced, and nothing is counted: see counts_allocations.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "support/sanitized.hpp"

namespace support {

#ifdef KWIRE_TEST_SANITIZED
inline constexpr bool counts_allocations = false;
#else
inline constexpr bool counts_allocations = true;
#endif

inline std::atomic<std::size_t> allocations = 0;
inline std::atomic<std::size_t> largest_allocation = 0; ///< in bytes; may be reset to 0
inline std::atomic<bool> no_memory = false;             ///< while it is set, operator new throws

/// How many allocations `f` makes.
template <class F>
std::size_t allocations_of(F&& f) {
    const std::size_t before = allocations;
    f();
    return allocations - before;
}

} // namespace support

#ifndef KWIRE_TEST_SANITIZED
// Not inline, because GCC would see malloc paired with delete, or new with free, and warn about it.
[[gnu::noinline]] void* operator new(std::size_t n) {
    if (support::no_memory) throw std::bad_alloc();
    ++support::allocations;
    std::size_t largest = support::largest_allocation;
    while (n > largest && !support::largest_allocation.compare_exchange_weak(largest, n)) {}
    if (void* p = std::malloc(n == 0 ? 1 : n)) return p;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
#endif
