/// What a buffer_chain consists of: bytes by reference, for the caller to send.
///
///     for (const kwire::chain_segment& segment : chain) send(segment.data(), segment.size());
#pragma once

#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/detail/config.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

namespace kwire::inline KWIRE_ABI {

namespace detail {
class segment_list;
}

/// One segment of a buffer_chain; never empty. Keeps its bytes alive.
class chain_segment {
public:
    chain_segment() = default;
    explicit chain_segment(shared_buffer bytes) noexcept : bytes_(std::move(bytes)) {}

    [[nodiscard]] const std::byte* data() const& noexcept KWIRE_LIFETIMEBOUND { return bytes_.data(); }
    const std::byte* data() const&& = delete;
    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
    [[nodiscard]] std::span<const std::byte> bytes() const& noexcept KWIRE_LIFETIMEBOUND {
        return bytes_.span();
    }
    std::span<const std::byte> bytes() const&& = delete;
    [[nodiscard]] const shared_buffer& buffer() const& noexcept KWIRE_LIFETIMEBOUND { return bytes_; }
    const shared_buffer& buffer() const&& = delete;

    /// Converts to any type that can be made from a pointer and a size, such as boost::asio::const_buffer.
    template <class Buffer>
        requires(!std::same_as<Buffer, chain_segment> &&
                 std::is_constructible_v<Buffer, const void*, std::size_t>)
    [[nodiscard]] operator Buffer() const& noexcept {
        return Buffer(static_cast<const void*>(bytes_.data()), bytes_.size());
    }

private:
    friend detail::segment_list;
    shared_buffer bytes_;
};

} // namespace kwire::inline KWIRE_ABI
