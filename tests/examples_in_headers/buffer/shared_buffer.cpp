#include <kwire/buffer/shared_buffer.hpp>

void example(const kwire::shared_buffer& frame) {
    // example 1
}
