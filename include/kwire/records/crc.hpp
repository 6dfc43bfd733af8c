/// The checksum of a batch.
///
///     if (!kwire::crc_matches(batch)) return corrupt_message();
#pragma once

#include <kwire/records/batch.hpp>
#include <kwire/wire/crc32c.hpp>
#include <kwire/wire/detail/crc32_tables.hpp>

#include <cstddef>

namespace kwire::inline KWIRE_ABI {

/// Whether the stored checksum is that of the bytes: CRC-32C from byte 21 in magic 2, CRC-32 from byte 16 in
/// magic 0 and 1. Reads all bytes.
[[nodiscard]] inline bool crc_matches(const batch_view& batch) noexcept {
    const auto bytes = bytes_of(batch);
    if (batch.is_legacy())
        return wire::crc32_ieee(bytes.subspan(offsetof(batch_header, magic))) == batch.crc();
    return crc32c(bytes.subspan(offsetof(batch_header, attributes))) == batch.crc();
}

} // namespace kwire::inline KWIRE_ABI
