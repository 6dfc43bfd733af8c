#include <kwire/messages/metadata.hpp>
#include <kwire/write/nullable_list.hpp>

void example(kwire::metadata_request::data& request) {
    // example 1
}
