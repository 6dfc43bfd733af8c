#include <kwire/messages/fetch.hpp>
#include <kwire/read/message.hpp>
#include <kwire/read/parse.hpp>

void example(const kwire::shared_buffer& body, int version) {
    // example 1
}
