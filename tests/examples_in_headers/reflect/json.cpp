// needs: json
#include <kwire/messages/metadata.hpp>
#include <kwire/reflect/json.hpp>

void example(std::span<const std::byte> body) {
    // example 1
}
