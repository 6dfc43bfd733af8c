// DescribeConfigs: the settings of topics and of the broker.
#include <kwire/messages/describe_configs.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "echo_broker/broker.hpp"
#include "echo_broker/topics/config_entries.hpp"
#include "echo_broker/topics/handlers.hpp"
#include "echo_broker/topics/refusal.hpp"

namespace echo_broker {

namespace {

using asked_resource = kwire::describe_configs_request::resource::view;
using entry = kwire::describe_configs_response::resource_result::data;

/// A setting, as it is shown.
struct shown_setting {
    std::string_view name;
    std::string value;
    setting_type type;
    config_source source;
    bool read_only;
    // Of a topic's setting, the default and its name.
    std::string default_value{};
    std::string_view default_name{};
};

std::vector<shown_setting> settings_of(const topic& shown, const options& chosen) {
    std::vector<shown_setting> out;
    for (const topic_setting& setting : topic_settings())
        out.push_back({.name = setting.name,
                       .value = value_of(shown.config, chosen, setting),
                       .type = setting.type,
                       .source = source_of(shown.config, setting),
                       .read_only = false,
                       .default_value = default_of(chosen, setting),
                       .default_name = setting.broker_name});
    return out;
}

/// The broker's settings are those of its command line; the others cannot be changed.
std::vector<shown_setting> settings_of(const broker& here) {
    using enum setting_type;
    std::vector<shown_setting> out;
    const auto put = [&](std::string_view name, std::string value, setting_type type, bool chosen = false) {
        out.push_back({.name = name,
                       .value = std::move(value),
                       .type = type,
                       .source = chosen ? config_source::command_line : config_source::default_value,
                       .read_only = true});
    };
    const options& chosen = here.chosen;
    const options defaults;
    put("auto.create.topics.enable", "true", boolean);
    put("broker.id", std::to_string(node_id), int32);
    put("connections.max.idle.ms", std::to_string(chosen.idle_after.count() * 1000), int64,
        chosen.idle_after != defaults.idle_after);
    put("default.replication.factor", "1", int32);
    put("delete.topic.enable", "true", boolean);
    put("fetch.max.bytes", "57671680", int32);
    if (!chosen.data_dir.empty()) put("log.dirs", chosen.data_dir, string, true);
    put("max.connections", std::to_string(chosen.connections), int32,
        chosen.connections != defaults.connections);
    put("node.id", std::to_string(node_id), int32);
    put("num.partitions", std::to_string(chosen.partitions), int32, chosen.partitions != defaults.partitions);
    for (const topic_setting& setting : topic_settings())
        put(setting.broker_name, default_of(chosen, setting), setting.type,
            default_of(chosen, setting) != default_of(defaults, setting));
    std::ranges::sort(out, {}, &shown_setting::name);
    return out;
}

kwire::expected<std::vector<shown_setting>, refusal> find_settings(const broker& here,
                                                                   const asked_resource& asked) {
    constexpr std::int8_t topic_type = 2, broker_type = 4, logger_type = 8;
    const std::string_view name = asked.resource_name();
    switch (asked.resource_type()) {
    case topic_type: {
        if (!topic_table::valid_name(name)) return refuse(error_code::invalid_topic_exception, name_rule);
        const topic* const found = here.topics.find(name);
        if (found == nullptr) return refuse(error_code::unknown_topic_or_partition, "there is no such topic");
        return settings_of(*found, here.chosen);
    }
    case broker_type:
    case logger_type:
        if (name.empty() && asked.resource_type() == broker_type)
            return std::vector<shown_setting>(); // what all brokers have in common can be set nowhere
        if (name != std::to_string(node_id))
            return refuse(error_code::invalid_request, "the id of this broker is " + std::to_string(node_id));
        if (asked.resource_type() == logger_type) return std::vector<shown_setting>(); // there are none
        return settings_of(here);
    default: return refuse(error_code::invalid_request, "settings of this type of resource are not served");
    }
}

entry show_setting(const shown_setting& shown, std::int16_t version, bool with_synonyms) {
    entry out{.name = std::string(shown.name), .value = shown.value, .read_only = shown.read_only};
    out.documentation.reset();
    if (version == 0) {
        out.is_default = shown.source == config_source::default_value;
        return out;
    }
    out.config_source = static_cast<std::int8_t>(shown.source);
    out.config_type = static_cast<std::int8_t>(shown.type);
    if (!with_synonyms) return out;
    const auto put = [&](std::string_view name, std::string_view value, config_source source) {
        out.synonyms.push_back({.name = std::string(name),
                                .value = std::string(value),
                                .source = static_cast<std::int8_t>(source)});
    };
    // The value that holds comes first, then those that would hold without it.
    if (shown.default_name.empty()) {
        put(shown.name, shown.value, shown.source);
    } else {
        if (shown.source == config_source::topic) put(shown.name, shown.value, shown.source);
        put(shown.default_name, shown.default_value, config_source::default_value);
    }
    return out;
}

} // namespace

kwire::describe_configs_response::data
describe_configs(broker& here, const kwire::message<kwire::describe_configs_request>& asked, client&) {
    kwire::describe_configs_response::data answer;
    std::set<std::pair<std::int8_t, std::string_view>> seen; // one answer for each resource, as in Kafka
    for (const auto resource : asked->resources()) {
        if (!seen.emplace(resource.resource_type(), resource.resource_name()).second) continue;
        auto& out = answer.results.emplace_back();
        out.resource_type = resource.resource_type();
        out.resource_name = resource.resource_name();
        out.error_message.reset();
        const auto found = find_settings(here, resource);
        if (!found) {
            out.error_code = found.error().code;
            out.error_message = found.error().why;
            continue;
        }
        std::set<std::string_view> wanted; // none: all of them
        for (const std::string_view key : resource.configuration_keys()) wanted.insert(key);
        for (const shown_setting& shown : *found)
            if (wanted.empty() || wanted.contains(shown.name))
                out.configs.push_back(show_setting(shown, asked.api_version(), asked->include_synonyms()));
    }
    return answer;
}

} // namespace echo_broker
