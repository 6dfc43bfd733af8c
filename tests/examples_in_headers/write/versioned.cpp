#include <kwire/messages/consumer_protocol_subscription.hpp>
#include <kwire/messages/join_group.hpp>
#include <kwire/write/versioned.hpp>

void fail(const kwire::error& why);

void example(kwire::join_group_request::data& request) {
    // example 1
}
