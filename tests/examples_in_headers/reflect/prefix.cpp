#include <kwire/messages/registry.hpp>
#include <kwire/reflect/prefix.hpp>

void print(std::string_view name, kwire::dynamic_value value);

void example(const kwire::message_info* info, std::span<const std::byte> first_256_bytes, int version) {
    // example 1
}
