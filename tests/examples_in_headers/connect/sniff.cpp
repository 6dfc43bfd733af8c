#include <kwire/connect/sniff.hpp>

void count(kwire::api_key api, std::int16_t version);
void skip(std::size_t bytes);

void example(std::span<const std::byte> first_64_bytes, std::span<const std::byte> stream_after_a_gap) {
    // example 1
}
