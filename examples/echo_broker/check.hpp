// Which records of a Produce request a leader takes: what Kafka's LogValidator accepts.
#pragma once

#include <kwire/error_code.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/patch.hpp>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>

#include "codecs.hpp"

namespace echo_broker {

/// The code of a refusal, and its reason for the client's log.
struct refused_records {
    kwire::error_code code;
    std::string why;
};

/// A batch that a partition may take, and what a leader corrects in its header: a wrong timestamp type or
/// largest timestamp.
struct accepted_batch {
    kwire::batch_view batch;
    std::optional<kwire::batch_patch> correction{};
};

/// The one batch in the records of a partition. It is valid, and every record in it can be read.
[[nodiscard]] std::expected<accepted_batch, refused_records>
check(const std::optional<std::span<const std::byte>>& records, std::int16_t version, const codecs& codecs);

} // namespace echo_broker
