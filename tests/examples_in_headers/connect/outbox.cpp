#include <kwire/connect/outbox.hpp>

#include <span>

#include <sys/uio.h>

struct socket_type {
    std::size_t write_some(std::span<const iovec> pieces);
};

void example(socket_type& socket, kwire::buffer_chain answer) {
    // example 1
}
