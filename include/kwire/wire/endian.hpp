/// Big-endian numbers at any address: loads, stores, and number types with the layout of the wire.
///
///     struct entry { kwire::big_int64 offset; kwire::big_int32 size; };    // 12 bytes, alignment 1
///     e.offset = 42; std::int64_t next = e.offset + 1;
#pragma once

#include <kwire/detail/config.hpp>
#include <kwire/detail/cxx23.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace kwire::inline KWIRE_ABI::wire {

/// A number with a big-endian form of sizeof(T) bytes: float, double and integers up to 64 bits except bool.
///
/// bool is excluded because not every byte is a valid bool; read a std::int8_t and compare with 0, as Kafka
/// does.
template <class T>
concept number = std::is_same_v<T, float> || std::is_same_v<T, double> ||
                 (std::is_integral_v<T> && std::is_same_v<T, std::remove_cv_t<T>> &&
                  !std::is_same_v<T, bool> && sizeof(T) <= 8);

// cost: not with <limits>, which takes longer to compile than this header.
static_assert(std::bit_cast<std::uint32_t>(-1.5f) == 0xbfc0'0000 &&
                  std::bit_cast<std::uint64_t>(-1.5) == 0xbff8'0000'0000'0000,
              "float and double must be those of IEC 60559, which Kafka's are");

namespace detail {

template <std::size_t Size>
struct unsigned_of;
template <>
struct unsigned_of<1> {
    using type = std::uint8_t;
};
template <>
struct unsigned_of<2> {
    using type = std::uint16_t;
};
template <>
struct unsigned_of<4> {
    using type = std::uint32_t;
};
template <>
struct unsigned_of<8> {
    using type = std::uint64_t;
};

/// Whether this machine is little-endian, so that bytes have to be swapped.
inline constexpr bool swaps = std::endian::native == std::endian::little;

} // namespace detail

/// The number whose big-endian form is at `p`, of any alignment. Precondition: sizeof(T) bytes are there.
template <number T>
[[nodiscard]] KWIRE_SMALL constexpr T load_be(const std::byte* p) noexcept {
    using bits = detail::unsigned_of<sizeof(T)>::type;
    if (KWIRE_IS_CONSTEVAL()) {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < sizeof(T); ++i) value = value << 8 | std::to_integer<std::uint64_t>(p[i]);
        return std::bit_cast<T>(static_cast<bits>(value));
    } else {
        bits value;
        std::memcpy(&value, p, sizeof value);
        if constexpr (detail::swaps) value = kwire::detail::byteswap(value);
        if constexpr (std::is_integral_v<T>)
            return static_cast<T>(value);
        else
            return std::bit_cast<T>(value);
    }
}

/// Writes the big-endian form of `value` to `p`, of any alignment. Precondition: there is room for sizeof(T)
/// bytes.
template <number T>
KWIRE_SMALL constexpr void store_be(std::byte* p, T value) noexcept {
    using bits = detail::unsigned_of<sizeof(T)>::type;
    if (KWIRE_IS_CONSTEVAL()) {
        const auto all = static_cast<std::uint64_t>(std::bit_cast<bits>(value));
        for (std::size_t i = 0; i < sizeof(T); ++i)
            p[i] = static_cast<std::byte>(all >> (8 * (sizeof(T) - 1 - i)) & 0xff);
    } else {
        bits all;
        if constexpr (std::is_integral_v<T>)
            all = static_cast<bits>(value);
        else
            all = std::bit_cast<bits>(value);
        if constexpr (detail::swaps) all = kwire::detail::byteswap(all);
        std::memcpy(p, &all, sizeof all);
    }
}

} // namespace kwire::inline KWIRE_ABI::wire

namespace kwire::inline KWIRE_ABI {

/// A number stored in big-endian order with alignment 1, which is used like a `T`.
///
/// Trivially copyable and of standard layout, so that structs of these can be laid over bytes
/// (wire/overlay.hpp). Default initialisation leaves it indeterminate, as for a `T`.
template <wire::number T>
class big {
public:
    using value_type = T;

    big() noexcept = default;
    constexpr big(T value) noexcept { wire::store_be(bytes_.data(), value); }
    constexpr big& operator=(T value) noexcept {
        wire::store_be(bytes_.data(), value);
        return *this;
    }

    /// The number as a `T`.
    [[nodiscard]] constexpr T value() const noexcept { return wire::load_be<T>(bytes_.data()); }
    [[nodiscard]] constexpr operator T() const noexcept { return value(); }

private:
    std::array<std::byte, sizeof(T)> bytes_;
};

/// Numbers as they lie in messages.
using big_int8 = big<std::int8_t>;
using big_int16 = big<std::int16_t>;
using big_int32 = big<std::int32_t>;
using big_int64 = big<std::int64_t>;
using big_uint8 = big<std::uint8_t>;
using big_uint16 = big<std::uint16_t>;
using big_uint32 = big<std::uint32_t>;
using big_uint64 = big<std::uint64_t>;
using big_float64 = big<double>;

} // namespace kwire::inline KWIRE_ABI
