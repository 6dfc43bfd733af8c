#include <kwire/messages/metadata.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/write/encode.hpp>
#include <kwire/write/to_data.hpp>

void example(const kwire::result<kwire::message<kwire::metadata_response>>& request, int version) {
    // example 1
}
