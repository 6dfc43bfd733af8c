/// Compressed batches read by kwire.
#pragma once

#include <kwire/compression/gzip.hpp>
#include <kwire/compression/libdeflate.hpp>
#include <kwire/compression/lz4.hpp>
#include <kwire/compression/snappy.hpp>
#include <kwire/compression/zstd.hpp>
#include <kwire/records/read.hpp>

#include <cstddef>
#include <span>

#include "bench/records.hpp"

namespace bench::records {

/// The state that a program keeps between batches.
struct codecs_of_kwire {
    kwire::gzip_codec gzip;
    kwire::snappy_codec snappy;
    kwire::lz4_codec lz4;
    kwire::zstd_codec zstd;
    kwire::libdeflate_codec libdeflate;
    kwire::codec_set set{gzip, snappy, lz4, zstd};
};

template <class Sink>
bool read_compressed(codecs_of_kwire& codecs, std::span<const std::byte> bytes, Sink& sink) {
    const auto batch = kwire::batch_at(bytes);
    if (!batch) return false;
    const auto records = kwire::records(*batch, codecs.set, std::size_t{1} << 24);
    if (!records) return false;
    for (const auto record : *records) {
        if (!record) return false;
        take_record(sink, *record);
    }
    return true;
}

} // namespace bench::records
