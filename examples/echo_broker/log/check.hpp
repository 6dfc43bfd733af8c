// Which records of a Produce request a leader takes: kwire::check_produce with the settings of a topic.
#pragma once

#include <kwire/error_code.hpp>
#include <kwire/expected.hpp>
#include <kwire/records/check_produce.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "echo_broker/log/codecs.hpp"
#include "echo_broker/topics/topic_config.hpp"

namespace echo_broker {

/// The largest timestamp that a producer may send now: Kafka's message.timestamp.after.max.ms, one hour ahead
/// of the broker's clock.
[[nodiscard]] std::int64_t newest_timestamp();

/// The code of a refusal, and its reason for the client's log.
struct refused_records {
    kwire::error_code code;
    std::string why;
    bool by_log = false; ///< not the request, but its records: then Kafka's answer has the start of the log
    std::vector<std::int32_t> records{}; ///< the indices of the first with a wrong timestamp
};

/// The one batch in the records of a partition. It is valid, and every record in it can be read.
[[nodiscard]] kwire::expected<kwire::produce_acceptance, refused_records>
check(const std::optional<std::span<const std::byte>>& records, std::int16_t version,
      const topic_config& config, const codecs& codecs);

} // namespace echo_broker
