#include <kwire/messages/registry.hpp>
#include <kwire/reflect/transcode.hpp>

void example(const kwire::shared_buffer& bytes) {
    // example 1
}
