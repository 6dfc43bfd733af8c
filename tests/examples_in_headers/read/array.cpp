#include <kwire/messages/metadata.hpp>
#include <kwire/read/array.hpp>

void example(kwire::metadata_response::topic::view topic) {
    // example 1
}
