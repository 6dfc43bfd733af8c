/// Bytes that tell how many buffers of their kind live: for tests of what is kept alive, and for how long.
#pragma once

#include <kwire/buffer/shared_buffer.hpp>

#include <memory>
#include <span>
#include <string>
#include <utility>

namespace support {

/// Counts itself in `live` until it is destroyed.
class counted {
public:
    counted(std::string content, int& live)
        : content_(std::make_unique<std::string>(std::move(content))), live_(&live) {
        ++live;
    }
    counted(counted&& other) noexcept
        : content_(std::move(other.content_)), live_(std::exchange(other.live_, nullptr)) {}
    counted& operator=(counted&& other) noexcept {
        std::swap(content_, other.content_);
        std::swap(live_, other.live_);
        return *this;
    }
    ~counted() {
        if (live_ != nullptr) --*live_;
    }
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
        return std::as_bytes(std::span(*content_));
    }

private:
    std::unique_ptr<std::string> content_;
    int* live_;
};

/// A buffer of `content` that counts in `live` while someone has it.
[[nodiscard]] inline kwire::shared_buffer counted_bytes(std::string content, int& live) {
    counted owner(std::move(content), live);
    const std::span<const std::byte> bytes = owner.bytes();
    return kwire::shared_buffer::adopt(std::move(owner), bytes);
}

} // namespace support
