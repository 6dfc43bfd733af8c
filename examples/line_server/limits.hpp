// What one read may bring, and what one peer may cost.
#pragma once

#include <kwire/connect/outbox.hpp>

#include <cstddef>

#include "protocol.hpp"

namespace line_server {

inline constexpr std::size_t read_at_once = 131'072; ///< bytes, at most

/// A block of memory has room for the longest line and for what is read after it.
inline constexpr std::size_t block_size = longest_line + 3 * read_at_once;

/// Lines that are answered before their answers are written: at two pieces each, the 1024 of one sendmsg.
inline constexpr std::size_t lines_at_once = 512;

/// Bytes of answers, files included: above the high mark no further line is answered, and above the low one
/// no further byte is read.
inline constexpr kwire::water_marks marks{.high = 262'144, .low = 0};

} // namespace line_server
