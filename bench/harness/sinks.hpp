/// Sinks for the values that contenders read: the cheap one is timed (the peers of other languages have it
/// too), the strict one proves that contenders read the same.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace bench {

/// The value of a null string, so that null and empty differ.
inline constexpr std::uint64_t null_value = 0x9e3779b97f4a7c15;

/// Adds everything up: one addition per number, the length and the first character of strings.
///
/// The 16 bytes of a uuid count as two numbers in native byte order.
class plain_sum {
public:
    template <std::integral T>
    void number(T value) noexcept {
        sum_ += static_cast<std::uint64_t>(value);
    }
    template <class Enum>
        requires std::is_enum_v<Enum>
    void number(Enum value) noexcept {
        number(std::to_underlying(value));
    }
    void id(const void* sixteen_bytes) noexcept {
        std::uint64_t halves[2];
        std::memcpy(halves, sixteen_bytes, sizeof halves);
        sum_ += halves[0];
        sum_ += halves[1];
    }
    void text(std::string_view chars) noexcept {
        sum_ += chars.size();
        if (!chars.empty()) sum_ += static_cast<unsigned char>(chars.front());
    }
    void text(std::optional<std::string_view> chars) noexcept {
        if (chars)
            text(*chars);
        else
            sum_ += null_value;
    }
    /// Bytes that may be null: counted like text.
    void bytes(std::optional<std::span<const std::byte>> value) noexcept {
        if (value)
            bytes(*value);
        else
            sum_ += null_value;
    }
    void bytes(std::span<const std::byte> value) noexcept {
        sum_ += value.size();
        if (!value.empty()) sum_ += std::to_integer<std::uint64_t>(value.front());
    }
    [[nodiscard]] std::uint64_t result() const noexcept { return sum_; }

private:
    std::uint64_t sum_ = 0;
};

/// Mixes every bit of every value and its position: too slow to time, but it misses no difference.
class ordered_hash {
public:
    template <std::integral T>
    void number(T value) noexcept {
        mix(static_cast<std::uint64_t>(value));
    }
    template <class Enum>
        requires std::is_enum_v<Enum>
    void number(Enum value) noexcept {
        number(std::to_underlying(value));
    }
    void id(const void* sixteen_bytes) noexcept {
        std::uint64_t halves[2];
        std::memcpy(halves, sixteen_bytes, sizeof halves);
        mix(halves[0]);
        mix(halves[1]);
    }
    void text(std::string_view chars) noexcept {
        mix(chars.size());
        for (const char c : chars) mix(static_cast<unsigned char>(c));
    }
    void text(std::optional<std::string_view> chars) noexcept {
        if (chars)
            text(*chars);
        else
            mix(null_value);
    }
    void bytes(std::optional<std::span<const std::byte>> value) noexcept {
        if (value)
            bytes(*value);
        else
            mix(null_value);
    }
    void bytes(std::span<const std::byte> value) noexcept {
        mix(value.size());
        for (const std::byte b : value) mix(std::to_integer<std::uint64_t>(b));
    }
    [[nodiscard]] std::uint64_t result() const noexcept { return state_; }

private:
    void mix(std::uint64_t value) noexcept {
        state_ = std::rotl(state_ ^ value, 23) * 0x9fb21c651e98df25 + 0x2545f4914f6cdd1d;
    }
    std::uint64_t state_ = 1;
};

/// Takes everything and keeps nothing: what is left of a hand-written parser is its checks.
struct no_sink {
    void number(auto) noexcept {}
    void id(const void*) noexcept {}
    void text(auto) noexcept {}
    void bytes(auto) noexcept {}
    [[nodiscard]] std::uint64_t result() const noexcept { return 0; }
};

} // namespace bench
