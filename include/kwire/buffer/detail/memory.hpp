/// Internal: the memory of the buffers, with one reference count per allocation, and the counter of copied
/// bytes.
#pragma once

#include <kwire/detail/config.hpp>

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace kwire::inline KWIRE_ABI {

namespace detail {

/// A part of the count of copied bytes, on a cache line of its own.
struct alignas(64) copy_counter {
    std::atomic<std::uint64_t> bytes{0};
};

/// Threads count in different parts, as a rule.
// cost: with one counter for all, two threads took 39 ns for each copy of 100 bytes instead of 16.
inline constexpr std::size_t copy_counters = 64;
inline constinit copy_counter copies[copy_counters]{};

/// The number of this thread's part: its stack's and its own variables' addresses differ from those of other
/// threads in some of the bits from 12 on.
[[nodiscard]] inline std::size_t copy_counter_number() noexcept {
    static constinit thread_local const std::byte own{};
    const auto page = static_cast<std::uint64_t>(std::bit_cast<std::uintptr_t>(&own)) >> 12;
    return static_cast<std::size_t>(page * 0x9e3779b97f4a7c15 >> 58);
}

inline void count_copied(std::uint64_t n) noexcept {
    if (n != 0) copies[copy_counter_number()].bytes.fetch_add(n, std::memory_order_relaxed);
}

/// Copies and counts; the buffer layer copies bytes in no other way.
inline void copy_bytes(std::byte* to, const std::byte* from, std::size_t n) noexcept {
    if (n == 0) return; // memcpy must not be given null even then
    std::memcpy(to, from, n);
    count_copied(n);
}

/// Aborts, where continuing would be undefined: a violated precondition, an overflow of a count.
[[noreturn]] KWIRE_COLD inline void trap() noexcept { std::abort(); }

inline void require(bool precondition) noexcept {
    if (!precondition) [[unlikely]]
        trap();
}

constexpr std::size_t saturating_add(std::size_t a, std::size_t b) noexcept {
    return b > SIZE_MAX - a ? SIZE_MAX : a + b;
}

/// The offset of `part` from `whole` in bytes; larger than any size if `part` begins before it.
///
/// Compares addresses as numbers: `<` and `-` on pointers into different objects are undefined.
inline std::size_t distance_from(const std::byte* whole, const std::byte* part) noexcept {
    return static_cast<std::size_t>(std::bit_cast<std::uintptr_t>(part) -
                                    std::bit_cast<std::uintptr_t>(whole));
}

/// The head of an allocation, or what keeps adopted memory alive.
struct memory_control {
    using destroy_function = void (*)(memory_control*) noexcept;

    std::atomic<std::size_t> references{1};
    destroy_function destroy;
    std::byte* writable; ///< the first byte, if the last holder may write; null for read-only memory
    std::size_t size;    ///< bytes of payload that this counts the references to

    memory_control(destroy_function d, std::byte* w, std::size_t n) noexcept
        : destroy(d), writable(w), size(n) {}

    /// What lives while this does: the same for all regions of one memory.
    [[nodiscard]] const memory_control& whole() const noexcept;
};

/// The count of a region of larger memory, one of whose references it has. It lies in memory of that.
struct memory_region : memory_control {
    memory_control* part_of;

    memory_region(memory_control* larger, std::byte* first, std::size_t n) noexcept
        : memory_control(&destroy_this, first, n), part_of(larger) {}

    static void destroy_this(memory_control* control) noexcept {
        auto* const region = static_cast<memory_region*>(control);
        memory_control* const larger = region->part_of;
        region->~memory_region();
        if (larger->references.fetch_sub(1, std::memory_order_acq_rel) == 1) larger->destroy(larger);
    }
};

inline const memory_control& memory_control::whole() const noexcept {
    return destroy == &memory_region::destroy_this ? *static_cast<const memory_region*>(this)->part_of
                                                   : *this;
}

/// Adds `n` references to memory of which the caller has one.
inline void add_references(memory_control& control, std::size_t n) noexcept {
    // Relaxed, because new references are made from one that is held already.
    if (control.references.fetch_add(n, std::memory_order_relaxed) > SIZE_MAX / 2) trap();
}
/// Gives back `n` references, which the caller has.
inline void drop_references(memory_control& control, std::size_t n) noexcept {
    // The last holder needs no read-modify-write: no one else is left to add a reference.
    if (control.references.load(std::memory_order_acquire) == n ||
        control.references.fetch_sub(n, std::memory_order_acq_rel) == n)
        control.destroy(&control);
}

/// Gives references back, of two memories at a time as many as there are together: the segments that an
/// encoder wrote, and those that it refers to, take turns.
// cost: an atomic operation for each, half of the time of an encoding of 1000 small batches went there.
class dropped_references {
public:
    dropped_references() = default;
    dropped_references(const dropped_references&) = delete;
    dropped_references& operator=(const dropped_references&) = delete;
    ~dropped_references() {
        drop(before_);
        drop(last_);
    }
    /// Takes over one reference; `control` may be null.
    void add(memory_control* control) noexcept {
        if (control != last_.control) {
            std::swap(last_, before_);
            if (control != last_.control) {
                drop(last_);
                last_ = {control, 0};
            }
        }
        ++last_.count;
    }

private:
    struct run {
        memory_control* control = nullptr;
        std::size_t count = 0;
    };
    static void drop(run all) noexcept {
        if (all.control != nullptr) drop_references(*all.control, all.count);
    }

    run last_, before_;
};

/// One counted reference to a memory_control, or none.
class memory_ref {
public:
    memory_ref() = default;
    /// Takes over the initial reference of `control`.
    explicit memory_ref(memory_control* control) noexcept : control_(control) {}
    memory_ref(const memory_ref& other) noexcept : control_(other.control_) { acquire(); }
    memory_ref(memory_ref&& other) noexcept : control_(std::exchange(other.control_, nullptr)) {}
    memory_ref& operator=(memory_ref other) noexcept {
        swap(other);
        return *this;
    }
    // cost: asked here, not by what it calls: else GCC 12 calls five times in a dispatch for references that
    // were moved from.
    ~memory_ref() {
        if (control_ != nullptr) release();
    }
    void swap(memory_ref& other) noexcept { std::swap(control_, other.control_); }

    [[nodiscard]] memory_control* get() const noexcept { return control_; }
    /// The reference as a pointer, which the caller makes a memory_ref again.
    [[nodiscard]] memory_control* take_out() && noexcept { return std::exchange(control_, nullptr); }
    memory_control* operator->() const noexcept { return control_; }
    explicit operator bool() const noexcept { return control_ != nullptr; }
    friend bool operator==(const memory_ref&, const memory_ref&) = default;

    /// Whether no other reference exists. The acquire pairs with the release of every dropped reference: if
    /// the count is 1, all that former holders did happens before, and writing is safe.
    [[nodiscard]] bool sole() const noexcept {
        return control_ != nullptr && control_->references.load(std::memory_order_acquire) == 1;
    }

private:
    void acquire() const noexcept {
        if (control_ != nullptr) add_references(*control_, 1);
    }
    void release() noexcept { drop_references(*control_, 1); }

    memory_control* control_ = nullptr;
};

/// Control block and `capacity` uninitialised bytes in one allocation.
[[nodiscard]] inline memory_ref allocate_memory(std::size_t capacity) {
    // If the sum overflows, operator new fails as it does for any size that is too large.
    auto* block = static_cast<std::byte*>(::operator new(saturating_add(sizeof(memory_control), capacity)));
    auto destroy = [](memory_control* control) noexcept {
        control->~memory_control();
        ::operator delete(control);
    };
    return memory_ref(::new (block) memory_control(destroy, block + sizeof(memory_control), capacity));
}

/// A control block that keeps any movable object alive.
template <class Owner>
struct owner_control : memory_control {
    Owner owner;

    explicit owner_control(Owner&& o) : memory_control(&destroy_this, nullptr, 0), owner(std::move(o)) {}

    static void destroy_this(memory_control* control) noexcept {
        delete static_cast<owner_control*>(control);
    }
};

} // namespace detail

/// How many bytes the buffer layer has copied in this process since it started, on all threads.
///
/// Buffers, chains and frame readers add exactly the bytes that they copy. Bytes that are written for the
/// first time (put_u8 ... put_u64, an encoder's own fields, what a socket delivers) do not count. Counted in
/// all builds. Relaxed: while other threads copy, the result is a lower bound.
[[nodiscard]] inline std::uint64_t copied_bytes() noexcept {
    std::uint64_t sum = 0;
    for (const detail::copy_counter& part : detail::copies) sum += part.bytes.load(std::memory_order_relaxed);
    return sum;
}

} // namespace kwire::inline KWIRE_ABI
