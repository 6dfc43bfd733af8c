#include <kwire/connect/frame.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/write/encode.hpp>

void drop(const kwire::error& why);
void send(const kwire::buffer_chain& frame);

void broker(const kwire::shared_buffer& frame, const kwire::fetch_response::data& answer) {
    // example 1
}
void proxy(const kwire::shared_buffer& frame) {
    const auto request = kwire::parse_request_frame(frame);
    // example 2
}
