#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/buffer/chain_segment.hpp>

#include <cstddef>

void send(const std::byte* bytes, std::size_t size);

void example(const kwire::buffer_chain& chain) {
    // example 1
}
