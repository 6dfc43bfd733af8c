// needs: zstd
#include <kwire/compression/codec.hpp>
#include <kwire/compression/zstd.hpp>

void log(std::string_view line);

void example(std::span<const std::byte> bytes) {
    // example 1
}
