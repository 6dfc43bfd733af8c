// Records of magic 0 and 1, which Produce before version 3 brings: what a leader takes of them.
#pragma once

#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/expected.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/read/edit.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/stamp.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "echo_broker/log/check.hpp"
#include "echo_broker/log/codecs.hpp"

namespace echo_broker {

/// A message, or a compressed wrapper around several, that has its offsets.
struct placed_message {
    std::int64_t first_offset = 0;
    kwire::batch_view batch;      ///< lies in the request, or in `rebuilt`
    kwire::shared_buffer rebuilt; ///< empty if the request's own bytes are stored
};

/// Whether `records` need not be of magic 2: whether the first one has magic 0 or 1, or there is no whole
/// one.
[[nodiscard]] bool may_be_message_set(std::span<const std::byte> records) noexcept;

/// Checks `records`, a message set in `request`, and gives it the offsets from `with.base_offset` on. If it
/// is refused, nothing has changed. What is cut short at the end does not count, as in Kafka.
///
/// The format is kept, since clients of every age read it. Offsets are set in place, without a copy, but in
/// one case: those of the messages in a wrapper are compressed with them. A wrapper of magic 1 has relative
/// offsets, so that only its own changes; one of magic 0, or with wrong relative offsets, is compressed
/// again.
[[nodiscard]] kwire::expected<std::vector<placed_message>, refused_records>
place_message_set(kwire::editable<kwire::produce_request>& request, std::span<const std::byte> records,
                  const kwire::append_stamp& with, std::size_t largest, const codecs& codecs);

} // namespace echo_broker
