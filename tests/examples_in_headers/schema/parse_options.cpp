#include <kwire/messages/fetch.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/schema/parse_options.hpp>

void example(const kwire::shared_buffer& body, int version) {
    // example 1
}
