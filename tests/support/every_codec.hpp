/// One codec of each type, for programs that read every compression. Needs all four components.
#pragma once

#include <kwire/compression/gzip.hpp>
#include <kwire/compression/lz4.hpp>
#include <kwire/compression/snappy.hpp>
#include <kwire/compression/zstd.hpp>

namespace kwire::test {

struct every_codec {
    gzip_codec gzip;
    snappy_codec snappy;
    lz4_codec lz4;
    zstd_codec zstd;
    codec_set set{gzip, snappy, lz4, zstd};
};

} // namespace kwire::test
