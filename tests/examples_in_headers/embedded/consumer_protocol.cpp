#include <kwire/embedded/consumer_protocol.hpp>

void reject(const kwire::error& why);
void subscribe(std::string_view member, std::string_view topic);

void example(const kwire::result<kwire::message<kwire::join_group_response>>& join) {
    // example 1
}
