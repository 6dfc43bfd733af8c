#include <kwire/messages/fetch.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/read/result.hpp>

void reject(const kwire::error& why);

void example(const kwire::shared_buffer& body, int version) {
    // example 1
}
