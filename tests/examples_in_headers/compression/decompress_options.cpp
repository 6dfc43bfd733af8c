#include <kwire/compression/codec.hpp>
#include <kwire/compression/decompress_options.hpp>

void example(kwire::codec& gzip, kwire::codec& snappy, kwire::codec& lz4, kwire::codec& zstd) {
    // example 1
}
