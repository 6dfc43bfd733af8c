#include <kwire/connect/correlator.hpp>

#include <chrono>

void close(const kwire::error& why);
void send(const kwire::shared_buffer& frame);
void pass_token(const kwire::shared_buffer& frame);
void measure(kwire::api_key api, std::chrono::steady_clock::time_point since);

void example(const kwire::shared_buffer& request, const kwire::shared_buffer& frame) {
    // example 1
}

void carry(const kwire::shared_buffer& request, const kwire::shared_buffer& frame) {
    // example 2
}
