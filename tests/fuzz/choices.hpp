/// Decisions taken from the bytes of a fuzz input, so that each input is a program for a structured test.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace support {

/// Reads numbers from the front of some bytes. After the last byte every number is 0, so that whatever is
/// made from choices comes to an end.
class choices {
public:
    explicit choices(std::span<const std::byte> from) noexcept : left_(from) {}

    /// Whether no bytes are left.
    [[nodiscard]] bool empty() const noexcept { return left_.empty(); }
    [[nodiscard]] std::size_t left() const noexcept { return left_.size(); }

    std::uint8_t byte() noexcept {
        if (left_.empty()) return 0;
        const auto value = std::to_integer<std::uint8_t>(left_.front());
        left_ = left_.subspan(1);
        return value;
    }
    /// A number of `width` bytes, at most 8.
    std::uint64_t number(std::size_t width) noexcept {
        std::uint64_t value = 0;
        while (width-- != 0) value = value << 8 | byte();
        return value;
    }
    /// A number from 0 to `count` - 1; `count` is at least 1.
    std::size_t below(std::size_t count) noexcept {
        const std::size_t width = count <= 0x100 ? 1 : count <= 0x10000 ? 2 : 4;
        return static_cast<std::size_t>(number(width) % count);
    }
    /// A number from `first` to `last`.
    std::size_t between(std::size_t first, std::size_t last) noexcept {
        return first + below(last - first + 1);
    }
    bool flip() noexcept { return (byte() & 1) != 0; }
    /// True once in `n` times; false after the last byte.
    bool once_in(std::size_t n) noexcept { return !empty() && below(n) == n - 1; }

    /// The next `n` bytes, fewer at the end.
    std::span<const std::byte> take(std::size_t n) noexcept {
        const auto taken = left_.first(std::min(n, left_.size()));
        left_ = left_.subspan(taken.size());
        return taken;
    }
    /// `n` bytes: those that are left, repeated.
    std::vector<std::byte> bytes(std::size_t n) {
        const auto taken = take(n);
        std::vector<std::byte> all(n);
        for (std::size_t i = 0; i < n; ++i)
            all[i] = taken.empty() ? static_cast<std::byte>('a' + i % 26) : taken[i % taken.size()];
        return all;
    }
    /// All bytes that are left.
    std::span<const std::byte> rest() noexcept { return take(left_.size()); }

private:
    std::span<const std::byte> left_;
};

} // namespace support
