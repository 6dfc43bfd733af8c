/// The limits of Kafka's wire format, each under one name.
#pragma once

#include <kwire/detail/config.hpp>

#include <cstdint>

namespace kwire::inline KWIRE_ABI::wire {

/// The greatest length, count or frame size. The protocol writes them as signed 32-bit numbers, where -1
/// means null; a compact length could say more, but no body is longer than a frame.
inline constexpr std::uint32_t max_length = 0x7fffffff;

/// The greatest length of a string in bytes, in the classic and in the compact encoding.
inline constexpr std::uint32_t max_string_length = 32767;

} // namespace kwire::inline KWIRE_ABI::wire
