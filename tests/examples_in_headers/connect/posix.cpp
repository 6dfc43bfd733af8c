#include <kwire/connect/posix.hpp>

void close(const kwire::error& why);
kwire::buffer_chain answer_to(const kwire::shared_buffer& frame);

void example(int fd, kwire::request_reader& reader, kwire::outbox& out) {
    // example 1
}
