#include <kwire/records/record_range.hpp>

void refuse(const kwire::error& why);
void consume(std::int64_t offset, std::optional<std::span<const std::byte>> key,
             std::optional<std::span<const std::byte>> value);

void example(kwire::batch_view batch) {
    // example 1
}
