#include <kwire/messages/consumer_protocol_subscription.hpp>
#include <kwire/read/versioned.hpp>

void reject(const kwire::error& why);

void example(const kwire::shared_buffer& bytes) {
    // example 1
}
