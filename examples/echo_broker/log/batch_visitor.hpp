// A function that looks at the batches of a partition.
#pragma once

#include <kwire/records/batch.hpp>

#include <functional>

namespace echo_broker {

/// Takes a batch, which is valid during the call; returns whether to go on.
using batch_visitor = std::function<bool(const kwire::batch_view& batch)>;

} // namespace echo_broker
