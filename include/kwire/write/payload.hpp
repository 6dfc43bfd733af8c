/// What `data` structs keep records in: bytes by reference, in one buffer or many, or null.
///
///     partition.records = batch;                 // a shared_buffer: nothing is copied
///     partition.records = std::move(batches);    // a buffer_chain
///     partition.records = nullptr;               // null, which is not the same as empty
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/detail/config.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace kwire::inline KWIRE_ABI {

namespace detail {
struct payload_access;
}

/// Bytes to be encoded by reference: null, empty, one shared_buffer, or the buffers of a buffer_chain.
///
/// 20 bytes, so that structs with one stay small: it holds one buffer itself, several in a list of their own
/// (an allocation). Copies are further references; the bytes are never copied, and stay valid while any
/// of them exists. If an allocation fails, std::bad_alloc passes, and a chain that was to be moved in still
/// has its bytes. Threads: as for shared_buffer.
class alignas(4) payload {
public:
    /// Empty, not null.
    payload() noexcept = default;
    template <std::same_as<std::nullptr_t> Null> // not of a literal 0
    payload(Null) noexcept : size_(null) {}
    payload(std::nullopt_t) noexcept : size_(null) {}
    payload(shared_buffer bytes) {
        if (bytes.size() < null)
            keep(std::move(bytes));
        else
            keep(new buffer_chain(std::move(bytes)));
    }
    payload(buffer_chain&& chain) {
        if (chain.segment_count() > 1)
            keep(new buffer_chain(std::move(chain)));
        else if (!chain.empty())
            payload(chain.begin()->buffer()).swap(*this);
        chain = {};
    }
    payload(const buffer_chain& chain) : payload(buffer_chain(chain)) {}
    payload(const payload& other) : size_(other.size_) {
        if (other.is_one())
            keep(other.one());
        else if (other.is_list())
            keep(new buffer_chain(*other.list()));
    }
    payload(payload&& other) noexcept { swap(other); }
    payload& operator=(const payload& other) { return *this = payload(other); }
    payload& operator=(payload&& other) noexcept {
        payload taken(std::move(other));
        swap(taken);
        return *this;
    }
    ~payload() {
        if (is_one())
            static_cast<void>(detail::memory_ref(get<detail::memory_control>(memory_)));
        else if (is_list())
            delete list();
    }

    /// Whether it is null, which is not the same as empty.
    [[nodiscard]] KWIRE_SMALL bool is_null() const noexcept { return size_ == null; }
    /// Whether there are no bytes: empty, or null.
    [[nodiscard]] KWIRE_SMALL bool empty() const noexcept { return size() == 0; }
    /// All bytes, in O(1); 0 for null.
    [[nodiscard]] KWIRE_SMALL std::uint64_t size() const noexcept {
        if (size_ < null) [[likely]]
            return size_;
        return is_list() ? list()->size() : 0;
    }
    /// In how many buffers the bytes lie.
    [[nodiscard]] std::size_t segment_count() const noexcept {
        if (is_one()) [[likely]]
            return 1;
        return is_list() ? list()->segment_count() : 0;
    }
    /// Calls `f` with each of the buffers, in order.
    template <class F>
    void each_buffer(F&& f) const {
        if (is_one()) [[likely]]
            f(one());
        else if (is_list())
            for (const chain_segment& segment : *list()) f(segment.buffer());
    }

    /// Calls `f` with the bytes of each of the buffers, in order; they are valid while this payload is.
    template <class F>
    KWIRE_ONE_CALLER void each_span(F&& f) const {
        if (is_one()) [[likely]]
            f(std::span(get<const std::byte>(data_), size_));
        else if (is_list())
            for (const chain_segment& segment : *list()) f(segment.bytes());
    }

    /// The bytes as a chain of their own, by reference; of null an empty one.
    [[nodiscard]] buffer_chain chain() const {
        if (is_list()) return *list();
        return is_one() ? buffer_chain(one()) : buffer_chain();
    }
    /// All bytes in one buffer: the buffer itself if there is only one, else a copy (counted).
    [[nodiscard]] shared_buffer to_bytes() const {
        if (is_list()) return list()->to_bytes();
        return is_one() ? one() : shared_buffer();
    }

    void swap(payload& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(memory_, other.memory_);
        std::swap(size_, other.size_);
    }
    friend void swap(payload& a, payload& b) noexcept { a.swap(b); }

    /// Equal content, however it is cut into buffers; null is equal to null only.
    friend bool operator==(const payload& a, const payload& b) noexcept {
        if (a.is_null() != b.is_null() || a.size() != b.size()) return false;
        if (a.empty()) return true;
        if (!a.is_list() && !b.is_list()) return a.one() == b.one();
        buffer_chain one; // of a single buffer, which needs no memory for its list
        if (!a.is_list() || !b.is_list()) one = buffer_chain((a.is_list() ? b : a).one());
        return (a.is_list() ? *a.list() : one) == (b.is_list() ? *b.list() : one);
    }

private:
    friend detail::payload_access;

    // What `size_` says where it is not the size of one buffer. Longer buffers lie in a list.
    static constexpr std::uint32_t null = 0xfffffffe;
    static constexpr std::uint32_t in_list = 0xffffffff;

    /// A pointer, without the alignment of one, which would make structs with a payload 8 bytes larger.
    struct pointer {
        std::byte bytes[sizeof(void*)]{};
    };

    template <class T>
    [[nodiscard]] static T* get(const pointer& from) noexcept {
        return std::bit_cast<T*>(from);
    }
    template <class T>
    static void put(pointer& to, T* from) noexcept {
        to = std::bit_cast<pointer>(from);
    }

    [[nodiscard]] bool is_list() const noexcept { return size_ == in_list; }
    [[nodiscard]] KWIRE_SMALL bool is_one() const noexcept { return size_ - 1 < null - 1; }

    void keep(shared_buffer&& bytes) noexcept {
        if (bytes.empty()) return; // there is nothing to keep alive
        put(data_, bytes.data_);
        size_ = static_cast<std::uint32_t>(bytes.size_);
        put(memory_, std::move(bytes.memory_).take_out());
    }
    void keep(buffer_chain* list) noexcept {
        put(data_, list);
        size_ = in_list;
    }
    [[nodiscard]] shared_buffer one() const noexcept {
        detail::memory_ref owned(get<detail::memory_control>(memory_));
        shared_buffer shown(get<const std::byte>(data_), size_, owned);
        static_cast<void>(std::move(owned).take_out()); // which this keeps
        return shown;
    }
    [[nodiscard]] buffer_chain* list() const noexcept { return get<buffer_chain>(data_); }

    pointer data_{};   ///< of one buffer its first byte; or the list
    pointer memory_{}; ///< of one buffer what it keeps alive
    std::uint32_t size_ = 0;
};

namespace detail {

/// What other parts of kwire may do with payloads.
struct payload_access {
    /// Puts bytes of a message, which are below 2 GiB, into a payload that is empty.
    // cost: without the choice that its constructor has, to_data of 1000 batches writes half as much.
    static void fill(payload& empty, shared_buffer&& bytes) noexcept { empty.keep(std::move(bytes)); }

    /// Whether there are bytes, and in one buffer: those, and what keeps them alive.
    static bool is_one(const payload& p) noexcept { return p.is_one(); }
    static std::span<const std::byte> span(const payload& one) noexcept {
        return {payload::get<const std::byte>(one.data_), one.size_};
    }
    static memory_control* control(const payload& one) noexcept {
        return payload::get<memory_control>(one.memory_);
    }
    /// Of bytes in several buffers, these.
    static const buffer_chain& list(const payload& several) noexcept { return *several.list(); }
};

} // namespace detail

} // namespace kwire::inline KWIRE_ABI
