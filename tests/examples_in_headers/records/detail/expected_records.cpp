#include <kwire/records/read.hpp>

void example(kwire::batch_view batch, kwire::codec_set& codecs, std::size_t cap) {
    // example 1
}
