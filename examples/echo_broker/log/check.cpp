#include "echo_broker/log/check.hpp"

#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/compression/type.hpp>
#include <kwire/error_text.hpp>
#include <kwire/records/batch.hpp>

#include <algorithm>
#include <utility>

#include "echo_broker/clock.hpp"

namespace echo_broker {

namespace {

refused_records in_words(kwire::produce_refusal refused) {
    std::string why = kwire::to_string(refused.why);
    if (!refused.reason.empty()) why = std::string(refused.reason) + " (" + why + ')';
    return {refused.code, std::move(why), refused.by_log, std::move(refused.records)};
}

/// Address space for the largest batch, so that nothing moves; only what is decompressed becomes resident.
kwire::unique_buffer room_for(std::span<const std::byte> records) {
    const auto first = kwire::batch_at(records);
    if (!first || first->compression() == kwire::compression_type::none) return {};
    return kwire::unique_buffer::with_capacity(codecs::most_bytes);
}

} // namespace

std::int64_t newest_timestamp() {
    constexpr std::int64_t hour = 3'600'000;
    return milliseconds_now() + hour;
}

kwire::expected<kwire::produce_acceptance, refused_records>
check(const std::optional<std::span<const std::byte>>& records, std::int16_t version,
      const topic_config& config, const codecs& codecs) {
    const kwire::produce_rules rules{.max_message_bytes = config.max_message_bytes,
                                     .timestamp_type = config.append_time
                                                           ? kwire::timestamp_type::log_append_time
                                                           : kwire::timestamp_type::create_time,
                                     .newest_timestamp = newest_timestamp()};
    // Old versions come here with a batch of magic 2 only, which is then held to the rules of version 3.
    const std::int16_t judged = std::max<std::int16_t>(version, 3);
    const std::span<const std::byte> bytes = records.value_or(std::span<const std::byte>());
    kwire::unique_buffer scratch = room_for(bytes);
    auto accepted = kwire::check_produce(bytes, judged, codecs.all, codecs::most_bytes, scratch, rules);
    if (!accepted) return kwire::unexpected(in_words(std::move(accepted.error())));
    return *std::move(accepted);
}

} // namespace echo_broker
