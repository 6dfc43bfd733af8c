/// Bytes as text, where they are known to be text: what accessors of keys, values and bytes fields return.
#pragma once

#include <kwire/detail/config.hpp>

#include <cstddef>
#include <span>
#include <string_view>

namespace kwire {

/// The same bytes as text; valid while they are. They are not checked to be UTF-8.
[[nodiscard]] inline std::string_view text_of(std::span<const std::byte> bytes KWIRE_LIFETIMEBOUND) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace kwire
