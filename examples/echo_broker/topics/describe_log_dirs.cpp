// DescribeLogDirs: how many bytes each partition keeps.
#include <kwire/messages/describe_log_dirs.hpp>

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "echo_broker/broker.hpp"
#include "echo_broker/topics/handlers.hpp"

namespace echo_broker {

kwire::describe_log_dirs_response::data
describe_log_dirs(broker& here, const kwire::message<kwire::describe_log_dirs_request>& asked, client&) {
    std::map<std::string_view, std::set<std::int32_t>> wanted;
    for (const auto topic : asked->topics())
        for (const std::int32_t partition : topic.partitions()) wanted[topic.topic()].insert(partition);

    kwire::describe_log_dirs_response::data answer;
    auto& dir = answer.results.emplace_back();
    dir.log_dir = here.chosen.data_dir.empty() ? "memory" : here.chosen.data_dir;
    const auto describe = [&](auto& out, const topic& shown, std::int32_t index) {
        const auto bytes = shown.partitions[static_cast<std::size_t>(index)].bytes();
        out.partitions.push_back(
            {.partition_index = index, .partition_size = static_cast<std::int64_t>(bytes)});
    };
    if (asked->topics().is_null()) {
        for (const auto& [name, shown] : here.topics.all()) {
            auto& out = dir.topics.emplace_back();
            out.name = name;
            for (std::int32_t i = 0; i < shown->partition_count(); ++i) describe(out, *shown, i);
        }
    }
    for (const auto& [name, partitions] : wanted) { // what does not exist is left out, as in Kafka
        const topic* const shown = here.topics.find(name);
        if (shown == nullptr) continue;
        auto& out = dir.topics.emplace_back();
        out.name = name;
        for (const std::int32_t index : partitions)
            if (index >= 0 && index < shown->partition_count()) describe(out, *shown, index);
    }
    return answer;
}

} // namespace echo_broker
