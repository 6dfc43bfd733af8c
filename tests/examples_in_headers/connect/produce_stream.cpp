#include <kwire/connect/produce_stream.hpp>

struct file_type {
    void append(const kwire::shared_buffer& bytes);
};
file_type& file_of(std::string_view topic, std::int32_t partition);
void handle(const kwire::shared_buffer& frame);
void answer(const kwire::message<kwire::produce_request>& request);
void close(const kwire::error& why);

void example(kwire::request_reader& reader) {
    // example 1
}
