// needs: gzip snappy lz4
#include <kwire/compression/gzip.hpp>
#include <kwire/compression/lz4.hpp>
#include <kwire/compression/snappy.hpp>
#include <kwire/records/down_convert.hpp>

void unsupported(const kwire::error& why);

void example(const kwire::shared_buffer& fetched, std::int64_t fetch_offset) {
    kwire::gzip_codec gzip;
    kwire::snappy_codec snappy;
    kwire::lz4_codec lz4;
    // example 1
}
