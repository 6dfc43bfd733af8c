// Settings as DescribeConfigs and CreateTopics show them.
#pragma once

#include <cstdint>
#include <string>

#include "echo_broker/options.hpp"
#include "echo_broker/topics/topic_config.hpp"

namespace echo_broker {

/// As DescribeConfigs numbers where a value comes from (KIP-226).
enum class config_source : std::int8_t {
    topic = 1,
    command_line = 4,
    default_value = 5
};

[[nodiscard]] inline config_source source_of(const topic_config& config,
                                             const topic_setting& setting) noexcept {
    return config.own().contains(setting.name) ? config_source::topic : config_source::default_value;
}

/// The value that a topic has without its own.
[[nodiscard]] inline std::string default_of(const options& chosen, const topic_setting& setting) {
    if (setting.name == "segment.bytes") return std::to_string(chosen.segment_mib << 20);
    return std::string(setting.default_value);
}
[[nodiscard]] inline std::string value_of(const topic_config& config, const options& chosen,
                                          const topic_setting& setting) {
    const auto own = config.own().find(setting.name);
    return own == config.own().end() ? default_of(chosen, setting) : own->second;
}

} // namespace echo_broker
