// Who a producer is.
#pragma once

#include <cstdint>

namespace echo_broker {

/// A producer id, and which of those who have had this id it is: all but the one with the newest epoch are
/// fenced. By default no producer.
struct producer_identity {
    std::int64_t id = -1;
    std::int16_t epoch = -1;
    friend bool operator==(const producer_identity&, const producer_identity&) = default;
};

} // namespace echo_broker
