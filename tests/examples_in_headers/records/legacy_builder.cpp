// needs: gzip
#include <kwire/compression/gzip.hpp>
#include <kwire/records/legacy_builder.hpp>

void send_and_begin_anew();

void example(std::int64_t now, std::span<const std::byte> key, std::span<const std::byte> value,
             kwire::gzip_codec& gzip) {
    // example 1
}
