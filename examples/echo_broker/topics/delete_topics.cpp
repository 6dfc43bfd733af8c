// DeleteTopics, and who keeps what belongs to a topic.
#include "echo_broker/topics/delete_topics.hpp"

#include <kwire/messages/delete_topics.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "echo_broker/broker.hpp"
#include "echo_broker/groups/offset_rules.hpp"
#include "echo_broker/topics/handlers.hpp"
#include "echo_broker/topics/refusal.hpp"

namespace echo_broker {

bool delete_topic(broker& here, topic& deleted) {
    const std::unique_ptr<topic> gone = here.topics.remove(deleted);
    if (gone == nullptr) return false;
    for (partition_log& log : gone->partitions) {
        here.producers.forget(log);
        log.drop_before(here.records, log.end_offset());
        log.remove_files();
    }
    forget_offsets_of_topic(here, gone->name);
    return true; // the destructors of partition_log end the fetches that wait for appends
}

namespace {

/// One of the topics to delete, by its name or its id.
struct asked_deletion {
    std::optional<std::string_view> name;
    kwire::uuid id{};

    auto operator<=>(const asked_deletion&) const = default;
};

kwire::expected<topic*, refusal> judge(const broker& here, const asked_deletion& asked) {
    if (asked.name && !asked.id.is_zero())
        return refuse(error_code::invalid_request, "a topic is named by its name or its id, not by both");
    if (!asked.name && asked.id.is_zero())
        return refuse(error_code::invalid_request, "neither a name nor an id");
    topic* const found = asked.name ? here.topics.find(*asked.name) : here.topics.find(asked.id);
    if (found == nullptr)
        return refuse(asked.name ? error_code::unknown_topic_or_partition : error_code::unknown_topic_id,
                      "there is no such topic");
    if (found->is_internal())
        return refuse(error_code::invalid_request, "the broker needs this topic while it runs");
    return found;
}

} // namespace

kwire::delete_topics_response::data
delete_topics(broker& here, const kwire::message<kwire::delete_topics_request>& asked, client&) {
    const std::int16_t version = asked.api_version();
    std::map<asked_deletion, int> named;
    for (const std::string_view name : asked->topic_names()) ++named[{.name = name}];
    for (const auto topic : asked->topics()) ++named[{topic.name(), topic.topic_id()}];

    kwire::delete_topics_response::data answer;
    for (const auto& [wanted, times] : named) {
        auto& out = answer.responses.emplace_back();
        out.name = wanted.name;
        out.topic_id = wanted.id;
        auto found = times > 1
                         ? refuse(error_code::invalid_request, "the request names this topic more than once")
                         : judge(here, wanted);
        if (found) {
            out.name = (*found)->name;
            out.topic_id = (*found)->id;
            if (!delete_topic(here, **found))
                found = refuse(error_code::kafka_storage_error, "the deletion cannot be recorded");
        }
        if (found) continue;
        out.error_code = found.error().code;
        if (version >= 5) out.error_message = std::move(found.error().why);
    }
    return answer;
}

} // namespace echo_broker
