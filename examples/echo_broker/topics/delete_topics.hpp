// The end of a topic.
#pragma once

#include "echo_broker/topics/topics.hpp"

namespace echo_broker {

class broker;

/// Deletes a topic and all that is known of it. False if that cannot be recorded; then it is still there.
bool delete_topic(broker& here, topic& deleted);

} // namespace echo_broker
