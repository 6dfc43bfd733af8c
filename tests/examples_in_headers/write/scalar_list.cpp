#include <kwire/messages/metadata.hpp>
#include <kwire/write/scalar_list.hpp>

void example(kwire::metadata_response::partition::data& data) {
    // example 1
}
