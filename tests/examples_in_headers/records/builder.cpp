#include <kwire/records/builder.hpp>

void send_and_begin_anew();

void example(std::int64_t now, std::span<const std::byte> key) {
    // example 1
}
