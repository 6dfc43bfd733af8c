#include <kwire/messages/metadata.hpp>
#include <kwire/read/check_and_visit.hpp>

void reject(const kwire::error& why);
void leads(std::string_view topic, std::int32_t partition, std::int32_t broker);

void example(std::span<const std::byte> body, int version) {
    // example 1
}
