// The compressions that the broker reads, and how much it is willing to decompress.
#pragma once

#include <kwire/compression/codec.hpp>
#include <kwire/compression/gzip.hpp>
#include <kwire/compression/lz4.hpp>
#include <kwire/compression/snappy.hpp>
#include <kwire/compression/zstd.hpp>

#include <cstddef>

namespace echo_broker {

/// All of Kafka's codecs, for one thread. They are strict, because every client must be able to read what is
/// stored, not only Java's.
struct codecs {
    kwire::gzip_codec gzip;
    kwire::snappy_codec snappy;
    kwire::lz4_codec lz4;
    kwire::zstd_codec zstd;
    kwire::codec_set all{gzip, snappy, lz4, zstd};

    /// Batches that are larger than this, decompressed, are refused.
    static constexpr std::size_t most_bytes = std::size_t{64} << 20;
};

} // namespace echo_broker
