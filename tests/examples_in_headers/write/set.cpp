#include <kwire/connect/frame.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/read/edit.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/write/set.hpp>

void refuse(const kwire::error& why);
void send(const kwire::buffer_chain& frame);

void in_place(kwire::result<kwire::message<kwire::metadata_response>> parsed) {
    // example 1
}
void proxy(kwire::expected<kwire::editable<kwire::metadata_response>, kwire::error> response) {
    // example 2
}
