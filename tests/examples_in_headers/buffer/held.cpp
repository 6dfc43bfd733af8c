#include <kwire/buffer/held.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/read/parse.hpp>

#include <vector>

void example(const kwire::shared_buffer& body, int version,
             std::vector<kwire::held<kwire::fetch_request::topic::view>>& topics) {
    // example 1
}
