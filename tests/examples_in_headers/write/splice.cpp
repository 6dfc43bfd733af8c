#include <kwire/connect/frame.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/write/splice.hpp>

void refuse(const kwire::error& why);
void send(const kwire::buffer_chain& frame);

void proxy(kwire::result<kwire::response_frame> frame) {
    // example 1
}
