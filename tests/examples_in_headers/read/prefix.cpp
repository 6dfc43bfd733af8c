#include <kwire/messages/metadata.hpp>
#include <kwire/read/prefix.hpp>

void reject(const kwire::error& why);
void note(std::string_view host);

void example(std::span<const std::byte> first_256_bytes, int version) {
    // example 1
}
