/// Errors as std::string, for programs that keep or concatenate texts; `describe` (error.hpp) does not
/// allocate.
#pragma once

#include <kwire/error.hpp>

#include <string>
#include <string_view>

namespace kwire::inline KWIRE_ABI {

/// The line that describe() returns for an error: message, version, path, code, offset, sizes.
[[nodiscard]] inline std::string to_string(const error& what) {
    const error_text text = describe(what);
    return std::string(text.view());
}

} // namespace kwire::inline KWIRE_ABI
