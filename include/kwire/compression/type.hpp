/// The compression types of record batches.
#pragma once

#include <kwire/detail/config.hpp>

#include <cstdint>
#include <string_view>

namespace kwire::inline KWIRE_ABI {

/// How the records of a batch are compressed: the low three bits of its attributes. 5 to 7 are unassigned.
enum class compression_type : std::uint8_t {
    /// The records are not compressed.
    none = 0,
    /// RFC 1952.
    gzip = 1,
    /// Blocks of Snappy, in the framing of xerial.
    snappy = 2,
    /// Frames of LZ4.
    lz4 = 3,
    zstd = 4, ///< magic 2 only (KIP-110)
};

/// The name in Kafka's configuration, such as "zstd"; "unknown" for unassigned values.
[[nodiscard]] constexpr std::string_view name_of(compression_type type) noexcept {
    switch (type) {
    case compression_type::none: return "none";
    case compression_type::gzip: return "gzip";
    case compression_type::snappy: return "snappy";
    case compression_type::lz4: return "lz4";
    case compression_type::zstd: return "zstd";
    }
    return "unknown";
}

} // namespace kwire::inline KWIRE_ABI
