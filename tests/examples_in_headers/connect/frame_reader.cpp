#include <kwire/connect/correlator.hpp>
#include <kwire/connect/frame_reader.hpp>

void close(const kwire::error& why);
void handle(const kwire::shared_buffer& frame);
struct socket_type {
    std::size_t read_some(std::span<std::byte> room);
};

void example(socket_type& socket) {
    // example 1
}

struct proxy {
    // example 2
};
