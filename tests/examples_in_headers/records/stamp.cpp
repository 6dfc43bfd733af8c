#include <kwire/records/stamp.hpp>

void example(std::span<std::byte> bytes, std::int64_t log_end, std::int32_t epoch, std::int64_t now) {
    // example 1
}
