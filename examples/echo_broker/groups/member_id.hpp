// Ids for members of groups.
#pragma once

#include <string>
#include <string_view>

namespace echo_broker {

/// A member id that no one has or can guess, as Kafka makes them: `name`, a hyphen and a random UUID.
[[nodiscard]] std::string new_member_id(std::string_view name);

} // namespace echo_broker
