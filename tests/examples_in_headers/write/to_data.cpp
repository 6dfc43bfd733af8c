#include <kwire/messages/metadata.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/write/encode.hpp>
#include <kwire/write/to_data.hpp>

void refuse(const kwire::error& why);

void example(const kwire::result<kwire::message<kwire::metadata_response>>& request, int version) {
    // example 1
}

void within_a_limit(const kwire::result<kwire::message<kwire::metadata_response>>& request) {
    // example 2
}
