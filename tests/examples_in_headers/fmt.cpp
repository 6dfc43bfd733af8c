// needs: fmt
#include <kwire/fmt.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/read/parse.hpp>

#include <string>

void example(const kwire::shared_buffer& body, const std::string& peer,
             kwire::metadata_request::topic::view topic) {
    const auto request = kwire::parse<kwire::metadata_request>(body, 12);
    // example 1
}
