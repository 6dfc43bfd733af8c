/// Standard output, and what becomes of it if its reader is gone.
#pragma once

#include <string>
#include <string_view>

namespace dump {

/// Writes all of it. False if it cannot be written, as when the reader of a pipe is gone: from then on
/// output_failed() is true.
bool write_out(std::string_view text);
[[nodiscard]] bool output_failed() noexcept;

} // namespace dump
