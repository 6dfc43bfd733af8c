// AlterConfigs and IncrementalAlterConfigs: the settings of topics.
#include <kwire/messages/alter_configs.hpp>
#include <kwire/messages/incremental_alter_configs.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "echo_broker/broker.hpp"
#include "echo_broker/topics/handlers.hpp"
#include "echo_broker/topics/refusal.hpp"

namespace echo_broker {

namespace {

using new_config = kwire::expected<topic_config, refusal>;

/// The topic that a resource names.
kwire::expected<topic*, refusal> find_topic(const broker& here, std::int8_t type, std::string_view name) {
    constexpr std::int8_t topic_type = 2, broker_type = 4;
    if (type == broker_type)
        return refuse(error_code::invalid_request, "the broker has the settings of its command line");
    if (type != topic_type)
        return refuse(error_code::invalid_request, "settings of this type of resource are not served");
    if (!topic_table::valid_name(name)) return refuse(error_code::invalid_topic_exception, name_rule);
    topic* const found = here.topics.find(name);
    if (found == nullptr) return refuse(error_code::unknown_topic_or_partition, "there is no such topic");
    return found;
}

/// Changes one setting.
kwire::expected<void, refusal> set(topic_config& config, std::string_view name,
                                   const std::optional<std::string_view>& value) {
    if (!value) return refuse(error_code::invalid_request, std::string(name) + " has no value");
    if (auto done = config.set(name, *value); !done)
        return refuse(error_code::invalid_config, std::move(done.error()));
    return {};
}

/// AlterConfigs: the topic has these settings afterwards and no others.
new_config config_after(const topic_config&, const kwire::alter_configs_request::resource::view& asked) {
    topic_config config;
    for (const auto one : asked.configs())
        if (auto done = set(config, one.name(), one.value()); !done)
            return kwire::unexpected(std::move(done.error()));
    return config;
}

/// A list with an element more or less; elements that are there already, or are not there, change nothing.
std::string change_list(std::string_view list, std::string_view changes, bool append) {
    const auto split = [](std::string_view text) {
        std::vector<std::string_view> out;
        while (!text.empty()) {
            const auto comma = std::min(text.find(','), text.size());
            out.push_back(text.substr(0, comma));
            text.remove_prefix(std::min(comma + 1, text.size()));
        }
        return out;
    };
    std::vector<std::string_view> elements = split(list);
    for (const std::string_view change : split(changes)) {
        std::erase(elements, change);
        if (append) elements.push_back(change);
    }
    std::string out;
    for (const std::string_view element : elements) {
        if (!out.empty()) out += ',';
        out += element;
    }
    return out;
}

/// IncrementalAlterConfigs (KIP-339): what is not named stays.
new_config config_after(const topic_config& before,
                        const kwire::incremental_alter_configs_request::alter_configs_resource::view& asked) {
    enum : std::int8_t {
        set_to,
        remove,
        append,
        subtract
    };
    topic_config config = before;
    std::set<std::string_view> named;
    for (const auto one : asked.configs()) {
        const std::string_view name = one.name();
        if (!named.insert(name).second)
            return refuse(error_code::invalid_request, std::string(name) + " is named more than once");
        kwire::expected<void, refusal> done;
        switch (one.config_operation()) {
        case set_to: done = set(config, name, one.value()); break;
        case remove: config.reset(name); break;
        case append:
        case subtract: {
            const topic_setting* const setting = find_topic_setting(name);
            if (setting == nullptr || setting->type != setting_type::list || !one.value())
                return refuse(error_code::invalid_config, std::string(name) + " is not a list");
            const auto own = config.own().find(name);
            const std::string_view list = own == config.own().end() ? setting->default_value : own->second;
            done = set(config, name, change_list(list, *one.value(), one.config_operation() == append));
            break;
        }
        default: return refuse(error_code::invalid_request, "unknown operation");
        }
        if (!done) return kwire::unexpected(std::move(done.error()));
    }
    return config;
}

/// Answers both requests, which differ only in how the new settings come from the old ones.
template <class Data, class Request>
Data alter(broker& here, const Request& asked) {
    std::map<std::pair<std::int8_t, std::string_view>, int> named;
    for (const auto resource : asked.resources())
        ++named[{resource.resource_type(), resource.resource_name()}];

    Data answer;
    for (const auto resource : asked.resources()) {
        int& times = named[{resource.resource_type(), resource.resource_name()}];
        if (times == 0) continue; // answered
        auto& out = answer.responses.emplace_back();
        out.resource_type = resource.resource_type();
        out.resource_name = resource.resource_name();
        out.error_message.reset();
        auto found = std::exchange(times, 0) > 1
                         ? refuse(error_code::invalid_request, "the request names it more than once")
                         : find_topic(here, resource.resource_type(), resource.resource_name());
        auto config = found ? config_after((*found)->config, resource) : kwire::unexpected(found.error());
        if (config && !asked.validate_only() && !here.topics.configure(**found, *std::move(config)))
            config = refuse(error_code::kafka_storage_error, "the settings cannot be recorded");
        if (config) continue;
        out.error_code = config.error().code;
        out.error_message = std::move(config.error().why);
    }
    return answer;
}

} // namespace

kwire::alter_configs_response::data
alter_configs(broker& here, const kwire::message<kwire::alter_configs_request>& asked, client&) {
    return alter<kwire::alter_configs_response::data>(here, *asked);
}

kwire::incremental_alter_configs_response::data
incremental_alter_configs(broker& here, const kwire::message<kwire::incremental_alter_configs_request>& asked,
                          client&) {
    return alter<kwire::incremental_alter_configs_response::data>(here, *asked);
}

} // namespace echo_broker
