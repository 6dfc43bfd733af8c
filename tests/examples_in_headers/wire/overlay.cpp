#include <kwire/wire/endian.hpp>
#include <kwire/wire/overlay.hpp>

void use(std::int64_t offset);

void example(std::span<const std::byte> bytes) {
    // example 1
}
// example 2
