#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/connect/request_start.hpp>

void drop(const kwire::error& why);
void to_writers(const kwire::shared_buffer& frame);

void example(const kwire::shared_buffer& frame) {
    // example 1
}
