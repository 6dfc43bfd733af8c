// OffsetFetch: how far a group has read, in some partitions or in all of which it knows.
#include <kwire/messages/offset_fetch.hpp>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "echo_broker/broker.hpp"
#include "echo_broker/groups/handlers.hpp"

namespace echo_broker {

namespace {

/// Fills the partitions of one answer.
class offset_reader {
public:
    offset_reader(const broker& here, bool require_stable) noexcept
        : here_(here), require_stable_(require_stable) {}

    template <class Partition>
    void read(std::string_view group, std::string_view topic, std::int32_t index, Partition& out) {
        out.partition_index = index;
        out.committed_offset = -1;
        if (require_stable_ && here_.offsets.is_unstable(group, topic, index)) {
            out.error_code = error_code::unstable_offset_commit;
            return;
        }
        const committed_offset* const found = here_.offsets.find(group, topic, index);
        if (found == nullptr) return;
        if (found->metadata.size() > room_) { // the request names a partition again and again
            out.error_code = error_code::unknown_server_error;
            return;
        }
        room_ -= found->metadata.size();
        out.committed_offset = found->offset;
        out.committed_leader_epoch = found->leader_epoch;
        out.metadata = found->metadata;
    }

private:
    const broker& here_;
    bool require_stable_;
    std::size_t room_ = std::size_t{64} << 20; ///< for metadata
};

/// Before v8: one group.
void answer_group(const broker& here, const kwire::offset_fetch_request::view& asked, offset_reader& reader,
                  kwire::offset_fetch_response::data& answer) {
    const std::string_view group = asked.group_id();
    if (asked.topics().is_null()) {
        if (const committed_offsets::by_topic* const all = here.offsets.find(group))
            for (const auto& [name, partitions] : *all) {
                auto& out = answer.topics.emplace_back();
                out.name = name;
                for (const auto& [index, content] : partitions)
                    reader.read(group, name, index, out.partitions.emplace_back());
            }
        return;
    }
    for (auto topic : asked.topics()) {
        auto& out = answer.topics.emplace_back();
        out.name = topic.name();
        for (const std::int32_t index : topic.partition_indexes())
            reader.read(group, topic.name(), index, out.partitions.emplace_back());
    }
}

/// From v8 on; from v10 on topics are named by their ids.
void answer_group(const broker& here, const kwire::offset_fetch_request::group::view& asked, bool by_id,
                  offset_reader& reader, kwire::offset_fetch_response::group::data& answer) {
    const std::string_view group = asked.group_id();
    answer.group_id = group;
    if (here.consumer_groups.contains(group)) {
        answer.error_code = here.consumer_groups.check_fetch(group, asked.member_id(), asked.member_epoch());
        if (answer.error_code != error_code::none) return;
    }
    if (asked.topics().is_null()) {
        if (const committed_offsets::by_topic* const all = here.offsets.find(group))
            for (const auto& [name, partitions] : *all) {
                const topic* const found = here.topics.find(name);
                if (by_id && found == nullptr) continue;
                auto& out = answer.topics.emplace_back();
                out.name = name;
                if (found != nullptr) out.topic_id = found->id;
                for (const auto& [index, content] : partitions)
                    reader.read(group, name, index, out.partitions.emplace_back());
            }
        return;
    }
    for (auto wanted : asked.topics()) {
        const topic* const found = by_id ? here.topics.find(wanted.topic_id()) : nullptr;
        const std::string_view name = found != nullptr ? std::string_view(found->name) : wanted.name();
        auto& out = answer.topics.emplace_back();
        out.name = wanted.name();
        out.topic_id = wanted.topic_id();
        for (const std::int32_t index : wanted.partition_indexes()) {
            auto& result = out.partitions.emplace_back();
            if (!by_id || found != nullptr) {
                reader.read(group, name, index, result);
            } else {
                result.partition_index = index;
                result.committed_offset = -1;
                result.error_code = error_code::unknown_topic_id;
            }
        }
    }
}

} // namespace

kwire::offset_fetch_response::data
offset_fetch(broker& here, const kwire::message<kwire::offset_fetch_request>& asked, client&) {
    kwire::offset_fetch_response::data answer;
    offset_reader reader(here, asked->require_stable());
    if (asked.api_version() < 8) {
        answer_group(here, *asked, reader, answer);
    } else {
        std::set<std::string_view> answered; // the answer for a group may be far larger than its name
        for (auto group : asked->groups())
            if (answered.insert(group.group_id()).second)
                answer_group(here, group, asked.api_version() >= 10, reader, answer.groups.emplace_back());
    }
    return answer;
}

} // namespace echo_broker
