#include <kwire/records/skim.hpp>

void consume(std::optional<std::span<const std::byte>> value);

void example(kwire::batch_view batch, std::int64_t fetch_offset) {
    // example 1
}
