// The markers that end a transaction in each of its partitions (KIP-98).
#pragma once

#include "echo_broker/transactions/transaction.hpp"

namespace echo_broker {

class broker;

/// Ends the transaction everywhere: in its partitions, and for the offsets that it has committed to groups.
void write_markers(broker& here, const transaction& ended, bool committed);

} // namespace echo_broker
