/// Internal: functions that the standard library has since C++23, for all of kwire's headers.
#pragma once

#include <kwire/detail/config.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace kwire::inline KWIRE_ABI::detail {

#if defined(__cpp_lib_byteswap)
using std::byteswap;
#else
/// The number with its bytes in reverse order.
template <class T>
    requires std::is_integral_v<T>
[[nodiscard]] KWIRE_ALWAYS_INLINE constexpr T byteswap(T value) noexcept {
    using bits = std::make_unsigned_t<T>;
    bits from = static_cast<bits>(value);
#if defined(KWIRE_BYTESWAP)
    if constexpr (sizeof(T) == 2) return static_cast<T>(KWIRE_BYTESWAP(16, from));
    if constexpr (sizeof(T) == 4) return static_cast<T>(KWIRE_BYTESWAP(32, from));
    if constexpr (sizeof(T) == 8) return static_cast<T>(KWIRE_BYTESWAP(64, from));
#endif
    // Compilers make one instruction of this, given four or eight bytes.
    bits to = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        to = static_cast<bits>(static_cast<std::uint64_t>(to) << 8 | (from & 0xff));
        from = static_cast<bits>(static_cast<std::uint64_t>(from) >> 8);
    }
    return static_cast<T>(to);
}
#endif

#if defined(__cpp_lib_unreachable)
using std::unreachable;
#else
/// Precondition: control does not get here.
[[noreturn]] KWIRE_ALWAYS_INLINE void unreachable() { KWIRE_UNREACHABLE(); }
#endif

/// Makes `text` a text of `size` characters at most: `fill(characters, size)` writes them and says how many.
template <class String, class Fill>
KWIRE_ALWAYS_INLINE constexpr void resize_and_overwrite(String& text, std::size_t size, Fill fill) {
#if defined(__cpp_lib_string_resize_and_overwrite)
    text.resize_and_overwrite(size, fill);
#else
    text.resize(size);
    text.resize(fill(text.data(), size));
#endif
}

} // namespace kwire::inline KWIRE_ABI::detail
