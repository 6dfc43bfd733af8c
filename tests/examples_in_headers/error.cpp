#include <kwire/error.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/read/parse.hpp>

#include <iostream>

void example(const kwire::shared_buffer& body) {
    // example 1
}
