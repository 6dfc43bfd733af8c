/// Bytes as text and text as bytes, without copying: for keys, values and bytes fields that hold text.
#pragma once

#include <kwire/detail/config.hpp>

#include <cstddef>
#include <span>
#include <string_view>

namespace kwire::inline KWIRE_ABI {

/// The same bytes as text; valid while they are. They are not checked to be UTF-8.
[[nodiscard]] inline std::string_view text_of(std::span<const std::byte> bytes KWIRE_LIFETIMEBOUND) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The same text as bytes, without the final zero of a literal; valid while the text is:
/// `{.value = bytes_of_text("paid")}`.
[[nodiscard]] inline std::span<const std::byte>
bytes_of_text(std::string_view text KWIRE_LIFETIMEBOUND) noexcept {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

} // namespace kwire::inline KWIRE_ABI
