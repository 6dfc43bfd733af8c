// The settings of topics: their names, defaults and what values they may have.
#pragma once

#include <kwire/expected.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace echo_broker {

/// As DescribeConfigs numbers the types of settings (KIP-569).
enum class setting_type : std::int8_t {
    boolean = 1,
    string = 2,
    int32 = 3,
    int64 = 5,
    real = 6,
    list = 7
};

/// A setting that topics may have.
struct topic_setting {
    std::string_view name;
    std::string_view broker_name; ///< of the default, as Kafka calls it in the settings of a broker
    setting_type type;
    std::string_view default_value;
    bool (*accepts)(std::string_view value);
};

/// Those that the broker honours, and those that allow what it does whatever their value is: Kafka also
/// compacts, rolls segments and deletes by time not before some moment but some time after it.
[[nodiscard]] std::span<const topic_setting> topic_settings() noexcept;
/// Null if topics have no such setting.
[[nodiscard]] const topic_setting* find_topic_setting(std::string_view name) noexcept;

/// The settings of one topic.
class topic_config {
public:
    using values = std::map<std::string, std::string, std::less<>>;

    /// Only those that differ from the defaults, or were set to them.
    [[nodiscard]] const values& own() const noexcept { return own_; }
    /// Sets one, or says what is wrong with its name or value.
    kwire::expected<void, std::string> set(std::string_view name, std::string_view value);
    /// Back to the default. No effect on a name that is not set.
    void reset(std::string_view name);

    // What the broker honours.
    bool append_time = false;                    ///< message.timestamp.type is LogAppendTime
    std::uint64_t max_message_bytes = 1'048'588; ///< of a batch; 1 MiB and the first 12 bytes
    std::int64_t retention_bytes = -1;           ///< of each partition; negative means no limit

private:
    void apply(std::string_view name, std::string_view value) noexcept;

    values own_;
};

} // namespace echo_broker
