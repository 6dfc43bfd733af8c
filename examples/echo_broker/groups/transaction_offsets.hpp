// What transactions mean to the offsets that they commit (KIP-98).
#pragma once

#include <kwire/error_code.hpp>

#include <cstdint>
#include <string_view>

namespace echo_broker {

class broker;

/// Whether this producer may commit offsets to `group` in its transaction, which must have been told of the
/// group; `adds_group` if it has not been (KIP-890). The transactions define this function.
[[nodiscard]] kwire::error_code check_transaction(broker& here, std::string_view transactional_id,
                                                  std::int64_t producer_id, std::int16_t producer_epoch,
                                                  std::string_view group, bool adds_group);

/// The offsets that the transaction of this producer has committed to `group` become visible, or vanish.
void end_transaction_of_offsets(broker& here, std::string_view group, std::int64_t producer_id,
                                bool committed);

} // namespace echo_broker
