#include <kwire/messages/registry.hpp>
#include <kwire/reflect/dynamic.hpp>

void print(std::string_view name, kwire::dynamic_value value);

void example(std::span<const std::byte> body, int version) {
    // example 1
}
