/// A payload that is not in memory: an outbox asks for it piece by piece when it is sent.
///
///     partition.records = kwire::streamed_bytes(size, [source](std::size_t most) { return source->read(most); });
///     out.push(kwire::encode_response(answer, version, correlation_id).value());
///
/// For POSIX systems; there is nothing in this header elsewhere.
#pragma once

#include <kwire/buffer/detail/buffer_access.hpp>
#include <kwire/buffer/detail/memory.hpp>
#include <kwire/buffer/detail/piece_source.hpp>
#include <kwire/buffer/mapped_file.hpp>
#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/detail/config.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#if defined(KWIRE_HAS_MAPPED_FILES)

namespace kwire::inline KWIRE_ABI {

namespace detail {

[[noreturn]] KWIRE_COLD inline void no_addresses() {
#if defined(__cpp_exceptions)
    throw std::bad_alloc();
#else
    trap(); // as operator new does there
#endif
}

/// Addresses without memory, and the function that has the bytes.
class promised_bytes {
public:
    promised_bytes(std::size_t size, std::unique_ptr<piece_source> source)
        : addresses_(::mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)),
          size_(size),
          source_(std::move(source)) {
        if (addresses_ == MAP_FAILED) no_addresses();
    }
    promised_bytes(promised_bytes&& other) noexcept
        : addresses_(std::exchange(other.addresses_, nullptr)),
          size_(other.size_),
          source_(std::move(other.source_)) {}
    promised_bytes& operator=(promised_bytes&& other) noexcept {
        std::swap(addresses_, other.addresses_);
        std::swap(size_, other.size_);
        source_.swap(other.source_);
        return *this;
    }
    ~promised_bytes() {
        if (addresses_ != nullptr) ::munmap(addresses_, size_);
    }

    [[nodiscard]] std::span<const std::byte> span() const noexcept {
        return {static_cast<const std::byte*>(addresses_), size_};
    }
    [[nodiscard]] std::unique_ptr<piece_source> take() noexcept { return std::move(source_); }

private:
    void* addresses_;
    std::size_t size_;
    std::unique_ptr<piece_source> source_;
};

} // namespace detail

/// A buffer of `size` bytes, to be put whole into a bytes field or a chain, for which `next(most)` returns a
/// shared_buffer of 1 to `most` bytes each time an outbox needs some.
///
/// Nothing but an outbox can send or read it: its bytes are not there, and a look at one is a fault (SIGSEGV;
/// EFAULT in a system call). An empty buffer from `next` says that there is no more: the outbox is then
/// outbox::broken(). `next` is called on the thread of the outbox, and destroyed after the last byte. Throws
/// std::bad_alloc, even if only addresses are short.
template <class Function>
    requires std::is_invocable_r_v<shared_buffer, Function&, std::size_t>
[[nodiscard]] shared_buffer streamed_bytes(std::size_t size, Function next) {
    if (size == 0) return {};
    detail::promised_bytes promise(size,
                                   std::make_unique<detail::piece_function<Function>>(size, std::move(next)));
    const auto bytes = promise.span();
    return shared_buffer::adopt(std::move(promise), bytes);
}

namespace detail {

/// The function of streamed_bytes, for the one that sends them; null for other bytes, and if another has
/// taken it or only a part of the bytes is sent.
[[nodiscard]] inline std::unique_ptr<piece_source> source_of(const shared_buffer& bytes,
                                                             bool& is_promise) noexcept {
    using control = owner_control<promised_bytes>;
    memory_control* const memory = buffer_access::control(bytes);
    is_promise = memory != nullptr && memory->destroy == &control::destroy_this;
    if (!is_promise || memory->size != bytes.size()) return nullptr;
    return static_cast<control*>(memory)->owner.take();
}

} // namespace detail

} // namespace kwire::inline KWIRE_ABI
#endif
