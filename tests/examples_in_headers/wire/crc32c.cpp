#include <kwire/wire/crc32c.hpp>

void example(std::span<const std::byte> bytes, std::span<const std::byte> more,
             std::span<const std::byte> rest) {
    // example 1
}
