// needs: libdeflate snappy
#include <kwire/compression/libdeflate.hpp>
#include <kwire/compression/snappy.hpp>

void example(kwire::snappy_codec& snappy) {
    // example 1
}
