#include <kwire/messages/metadata.hpp>
#include <kwire/read/edit.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/reflect/set.hpp>

void example(kwire::result<kwire::message<kwire::metadata_response>> parsed, kwire::dynamic_view view) {
    // example 1
}
