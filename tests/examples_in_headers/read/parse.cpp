#include <kwire/messages/produce.hpp>
#include <kwire/read/parse.hpp>

void reject(const kwire::error& why);

void example(const kwire::shared_buffer& body, int version) {
    // example 1
}
