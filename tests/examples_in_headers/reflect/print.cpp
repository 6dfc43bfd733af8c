#include <kwire/messages/metadata.hpp>
#include <kwire/reflect/print.hpp>

void log(const std::string& line);

void example(const kwire::metadata_request::view& request) {
    // example 1
}
