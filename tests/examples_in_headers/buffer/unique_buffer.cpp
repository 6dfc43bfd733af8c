#include <kwire/buffer/unique_buffer.hpp>

std::size_t read(int fd, std::span<std::byte> room);

void example(int fd) {
    // example 1
}
