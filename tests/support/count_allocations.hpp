/// Counts allocations by operator new, which it replaces, and can refuse them: include it in one source file
/// of a program. fail_allocations.hpp refuses them one by one.
///
/// With the thread sanitizer operator new cannot be replaced, and nothing is counted: see counts_allocations.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "support/sanitized.hpp"

namespace support {

#ifdef KWIRE_TEST_THREAD_SANITIZED
inline constexpr bool counts_allocations = false;
#else
inline constexpr bool counts_allocations = true;
#endif

inline std::atomic<std::size_t> allocations = 0;
inline std::atomic<std::size_t> allocated_bytes = 0;    ///< in all, those that are free again too
inline std::atomic<std::size_t> live_allocations = 0;   ///< not free yet
inline std::atomic<std::size_t> largest_allocation = 0; ///< in bytes; may be reset to 0
inline std::atomic<std::size_t> last_allocation = 0;    ///< in bytes
inline std::atomic<bool> no_memory = false;             ///< while it is set, operator new throws
/// If not 0, so many allocations from now on one is refused (1: the next), and this is 0 then.
inline std::atomic<std::size_t> refused_allocation = 0;

/// How many allocations `f` makes.
template <class F>
std::size_t allocations_of(F&& f) {
    const std::size_t before = allocations;
    f();
    return allocations - before;
}
/// How many bytes `f` allocates, even if it frees them.
template <class F>
std::size_t allocated_bytes_of(F&& f) {
    const std::size_t before = allocated_bytes;
    f();
    return allocated_bytes - before;
}

/// Counts an allocation of `n` bytes; nullptr if it is to fail.
inline void* counted_allocation(std::size_t n, std::size_t alignment) noexcept {
    if (no_memory) return nullptr;
    if (refused_allocation != 0 && --refused_allocation == 0) return nullptr;
    const std::size_t size = n == 0 ? 1 : n;
    void* const p = alignment == 0
                        ? std::malloc(size)
                        : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (p == nullptr) return nullptr;
    ++allocations;
    ++live_allocations;
    allocated_bytes += n;
    last_allocation = n;
    std::size_t largest = largest_allocation;
    while (n > largest && !largest_allocation.compare_exchange_weak(largest, n)) {}
    return p;
}
inline void counted_free(void* p) noexcept {
    if (p != nullptr) --live_allocations;
    std::free(p);
}
inline void* thrown_if_null(void* p) {
    if (p == nullptr) throw std::bad_alloc();
    return p;
}

} // namespace support

#ifndef KWIRE_TEST_THREAD_SANITIZED
// Not inline, because GCC would see malloc paired with delete, or new with free, and warn about it. The forms
// for arrays, and those that do not throw, call these by default, but a sanitizer has its own.
#define KWIRE_TEST_REPLACED [[gnu::noinline]]
KWIRE_TEST_REPLACED void* operator new(std::size_t n) {
    return support::thrown_if_null(support::counted_allocation(n, 0));
}
KWIRE_TEST_REPLACED void* operator new[](std::size_t n) {
    return support::thrown_if_null(support::counted_allocation(n, 0));
}
KWIRE_TEST_REPLACED void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
    return support::counted_allocation(n, 0);
}
KWIRE_TEST_REPLACED void* operator new[](std::size_t n, const std::nothrow_t&) noexcept {
    return support::counted_allocation(n, 0);
}
KWIRE_TEST_REPLACED void* operator new(std::size_t n, std::align_val_t at) {
    return support::thrown_if_null(support::counted_allocation(n, static_cast<std::size_t>(at)));
}
KWIRE_TEST_REPLACED void* operator new[](std::size_t n, std::align_val_t at) {
    return support::thrown_if_null(support::counted_allocation(n, static_cast<std::size_t>(at)));
}
KWIRE_TEST_REPLACED void* operator new(std::size_t n, std::align_val_t at, const std::nothrow_t&) noexcept {
    return support::counted_allocation(n, static_cast<std::size_t>(at));
}
KWIRE_TEST_REPLACED void* operator new[](std::size_t n, std::align_val_t at, const std::nothrow_t&) noexcept {
    return support::counted_allocation(n, static_cast<std::size_t>(at));
}
KWIRE_TEST_REPLACED void operator delete(void* p) noexcept { support::counted_free(p); }
KWIRE_TEST_REPLACED void operator delete[](void* p) noexcept { support::counted_free(p); }
KWIRE_TEST_REPLACED void operator delete(void* p, std::size_t) noexcept { support::counted_free(p); }
KWIRE_TEST_REPLACED void operator delete[](void* p, std::size_t) noexcept { support::counted_free(p); }
KWIRE_TEST_REPLACED void operator delete(void* p, const std::nothrow_t&) noexcept {
    support::counted_free(p);
}
KWIRE_TEST_REPLACED void operator delete[](void* p, const std::nothrow_t&) noexcept {
    support::counted_free(p);
}
KWIRE_TEST_REPLACED void operator delete(void* p, std::align_val_t) noexcept { support::counted_free(p); }
KWIRE_TEST_REPLACED void operator delete[](void* p, std::align_val_t) noexcept { support::counted_free(p); }
KWIRE_TEST_REPLACED void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
    support::counted_free(p);
}
KWIRE_TEST_REPLACED void operator delete[](void* p, std::size_t, std::align_val_t) noexcept {
    support::counted_free(p);
}
#undef KWIRE_TEST_REPLACED
#endif
