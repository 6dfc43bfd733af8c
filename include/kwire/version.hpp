/// The version of kwire.
///
///     #if KWIRE_VERSION_MAJOR == 0 && KWIRE_VERSION_MINOR < 2
///     std::puts(kwire::version().data());
///     #endif
///
/// KWIRE_VERSION_MAJOR, KWIRE_VERSION_MINOR and KWIRE_VERSION_PATCH are integers, there after any header of
/// kwire. KWIRE_ABI is the inline namespace that everything in `kwire` is in, `v0_1_0` as a rule. A program
/// that defines it itself, alike in all sources and before kwire's first header, keeps its kwire apart from
/// that of other libraries of the program: docs/versions.md.
#pragma once

#include <kwire/detail/config.hpp>

#include <string_view>

#define KWIRE_VERSION_TEXT_OF(number) #number
#define KWIRE_VERSION_TEXT(major, minor, patch)                                                              \
    KWIRE_VERSION_TEXT_OF(major) "." KWIRE_VERSION_TEXT_OF(minor) "." KWIRE_VERSION_TEXT_OF(patch)

namespace kwire::inline KWIRE_ABI {

/// The version as text: "0.1.0". A function, since parameters in kwire are called `version` too.
[[nodiscard]] constexpr std::string_view version() noexcept {
    return KWIRE_VERSION_TEXT(KWIRE_VERSION_MAJOR, KWIRE_VERSION_MINOR, KWIRE_VERSION_PATCH);
}

} // namespace kwire::inline KWIRE_ABI

#undef KWIRE_VERSION_TEXT
#undef KWIRE_VERSION_TEXT_OF
