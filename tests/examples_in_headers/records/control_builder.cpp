#include <kwire/messages/leader_change_message.hpp>
#include <kwire/records/control_builder.hpp>
#include <kwire/write/encode.hpp>

void example(std::int64_t now, std::int64_t end) {
    // example 1
}
