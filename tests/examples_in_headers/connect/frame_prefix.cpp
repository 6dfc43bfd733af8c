#include <kwire/connect/frame_prefix.hpp>
#include <kwire/messages/metadata.hpp>

void reject(const kwire::error& why);

void example(std::span<const std::byte> first_bytes, std::uint32_t length_of_frame) {
    // example 1
}
