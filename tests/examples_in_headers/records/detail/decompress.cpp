// needs: gzip zstd
#include <kwire/compression/gzip.hpp>
#include <kwire/compression/zstd.hpp>
#include <kwire/records/detail/decompress.hpp>

void example(kwire::batch_view batch) {
    // example 1
}
