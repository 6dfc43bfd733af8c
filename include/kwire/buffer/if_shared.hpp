/// What functions that change bytes in place do if the bytes have another holder.
#pragma once

#include <kwire/detail/config.hpp>

#include <cstdint>

namespace kwire::inline KWIRE_ABI {

/// What a function that changes bytes in place does if it is not their only holder.
enum class if_shared : std::uint8_t {
    refuse, ///< change nothing and return errc::buffer_shared, or buffer_read_only
    copy,   ///< change a copy, which is counted in copied_bytes()
};

} // namespace kwire::inline KWIRE_ABI
