#include <kwire/connect/correlator.hpp>

void close(const kwire::error& why);
void send(const kwire::shared_buffer& frame);
void pass_token(const kwire::shared_buffer& frame);

void example(const kwire::shared_buffer& request, const kwire::shared_buffer& frame) {
    // example 1
}
