#include "echo_broker/topics/topic_config.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <limits>
#include <optional>
#include <system_error>

#include "echo_broker/report.hpp"

namespace echo_broker {

namespace {

template <class Number>
std::optional<Number> to_number(std::string_view text) noexcept {
    Number number{};
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

template <std::integral Number, Number Least, Number Most = std::numeric_limits<Number>::max()>
bool is_number(std::string_view text) {
    const auto number = to_number<Number>(text);
    return number && *number >= Least && *number <= Most;
}
bool is_ratio(std::string_view text) {
    const auto number = to_number<double>(text);
    return number && *number >= 0 && *number <= 1;
}
bool is_boolean(std::string_view text) { return text == "true" || text == "false"; }
bool is_timestamp_type(std::string_view text) { return text == "CreateTime" || text == "LogAppendTime"; }
bool is_cleanup_policy(std::string_view text) {
    return text == "delete" || text == "compact" || text == "delete,compact" || text == "compact,delete";
}
/// Batches stay compressed as their producers have sent them.
bool is_producer(std::string_view text) { return text == "producer"; }
/// There is one replica.
bool is_one(std::string_view text) { return text == "1"; }

constexpr auto is_size = is_number<std::int32_t, 0>;
constexpr auto is_time = is_number<std::int64_t, 0>;
constexpr auto is_time_or_unlimited = is_number<std::int64_t, -1>;
constexpr std::string_view never = "9223372036854775807";

using enum setting_type;

constexpr std::array settings{
    topic_setting{"cleanup.policy", "log.cleanup.policy", list, "delete", is_cleanup_policy},
    topic_setting{"compression.type", "compression.type", string, "producer", is_producer},
    topic_setting{"delete.retention.ms", "log.cleaner.delete.retention.ms", int64, "86400000", is_time},
    topic_setting{"file.delete.delay.ms", "log.segment.delete.delay.ms", int64, "60000", is_time},
    topic_setting{"flush.messages", "log.flush.interval.messages", int64, never, is_number<std::int64_t, 1>},
    topic_setting{"flush.ms", "log.flush.interval.ms", int64, never, is_time},
    topic_setting{"index.interval.bytes", "log.index.interval.bytes", int32, "4096", is_size},
    topic_setting{"max.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms", int64, never,
                  is_number<std::int64_t, 1>},
    topic_setting{"max.message.bytes", "message.max.bytes", int32, "1048588", is_size},
    topic_setting{"message.timestamp.type", "log.message.timestamp.type", string, "CreateTime",
                  is_timestamp_type},
    topic_setting{"min.cleanable.dirty.ratio", "log.cleaner.min.cleanable.ratio", real, "0.5", is_ratio},
    topic_setting{"min.compaction.lag.ms", "log.cleaner.min.compaction.lag.ms", int64, "0", is_time},
    topic_setting{"min.insync.replicas", "min.insync.replicas", int32, "1", is_one},
    topic_setting{"preallocate", "log.preallocate", boolean, "false", is_boolean},
    topic_setting{"retention.bytes", "log.retention.bytes", int64, "-1", is_time_or_unlimited},
    topic_setting{"retention.ms", "log.retention.ms", int64, "-1", is_time_or_unlimited},
    topic_setting{"segment.bytes", "log.segment.bytes", int32, "67108864", is_number<std::int32_t, 14>},
    topic_setting{"segment.index.bytes", "log.index.size.max.bytes", int32, "10485760",
                  is_number<std::int32_t, 4>},
    topic_setting{"segment.jitter.ms", "log.roll.jitter.ms", int64, "0", is_time},
    topic_setting{"segment.ms", "log.roll.ms", int64, "604800000", is_number<std::int64_t, 1>},
    topic_setting{"unclean.leader.election.enable", "unclean.leader.election.enable", boolean, "false",
                  is_boolean},
};
static_assert(std::ranges::is_sorted(settings, {}, &topic_setting::name));

} // namespace

std::span<const topic_setting> topic_settings() noexcept { return settings; }

const topic_setting* find_topic_setting(std::string_view name) noexcept {
    const auto found = std::ranges::lower_bound(settings, name, {}, &topic_setting::name);
    return found != settings.end() && found->name == name ? &*found : nullptr;
}

kwire::expected<void, std::string> topic_config::set(std::string_view name, std::string_view value) {
    const topic_setting* const setting = find_topic_setting(name);
    if (setting == nullptr)
        return kwire::unexpected("topics of this broker have no setting " + in_quotes(name));
    if (!setting->accepts(value))
        return kwire::unexpected(std::string(name) + " cannot be " + in_quotes(value));
    own_.insert_or_assign(std::string(name), std::string(value));
    apply(name, value);
    return {};
}

void topic_config::reset(std::string_view name) {
    const auto found = own_.find(name);
    if (found == own_.end()) return;
    apply(name, find_topic_setting(name)->default_value);
    own_.erase(found);
}

void topic_config::apply(std::string_view name, std::string_view value) noexcept {
    if (name == "message.timestamp.type") append_time = value == "LogAppendTime";
    if (name == "max.message.bytes") max_message_bytes = to_number<std::uint64_t>(value).value_or(0);
    if (name == "retention.bytes") retention_bytes = to_number<std::int64_t>(value).value_or(-1);
}

} // namespace echo_broker
