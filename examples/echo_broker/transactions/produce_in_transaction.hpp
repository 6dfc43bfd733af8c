// What transactions say to a batch of a producer (KIP-98, KIP-890).
#pragma once

#include <kwire/error_code.hpp>
#include <kwire/records/batch.hpp>

#include <cstdint>
#include <string_view>

#include "echo_broker/topics/topics.hpp"

namespace echo_broker {

class broker;

/// Whether the partition, which exists, may take the batch of a Produce request of this version; adds the
/// partition to the transaction from v12 on. A batch that belongs to no transaction is refused, so that no
/// transaction can stay open that its coordinator does not know. @pre a request with a batch of a transaction
/// has a transactional id
[[nodiscard]] kwire::error_code produce_in_transaction(broker& here, std::string_view transactional_id,
                                                       std::int16_t version, topic& topic,
                                                       std::int32_t partition,
                                                       const kwire::batch_view& batch);

} // namespace echo_broker
