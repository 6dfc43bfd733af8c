/// A topic_directory learns from the frames that pass by.
///
///     if (auto response = kwire::parse_response_frame(frame, asked.api, asked.api_version))
///         if (auto learned = kwire::learn_topics(topics, *response); !learned) report(learned.error());
///
/// Frames of APIs whose responses never say both the name and the id of a topic cost the look at their API.
#pragma once

#include <kwire/expected.hpp>
#include <kwire/messages/view/alter_share_group_offsets.hpp>
#include <kwire/messages/view/consumer_group_describe.hpp>
#include <kwire/messages/view/create_topics.hpp>
#include <kwire/messages/view/delete_share_group_offsets.hpp>
#include <kwire/messages/view/delete_topics.hpp>
#include <kwire/messages/view/describe_share_group_offsets.hpp>
#include <kwire/messages/view/describe_topic_partitions.hpp>
#include <kwire/messages/view/metadata.hpp>
#include <kwire/messages/view/share_group_describe.hpp>
#include <kwire/read/unread.hpp>
#include <kwire/reflect/topic_directory.hpp>

#include <cstddef>

namespace kwire {

/// The message from whose frames a topic_directory learns; nullptr for other APIs.
[[nodiscard]] constexpr const message_info* response_with_topics(api_key api) noexcept {
    switch (api) {
    case api_key::metadata: return &message_info_of<metadata_response>;
    case api_key::create_topics: return &message_info_of<create_topics_response>;
    case api_key::delete_topics: return &message_info_of<delete_topics_response>;
    case api_key::consumer_group_describe: return &message_info_of<consumer_group_describe_response>;
    case api_key::describe_topic_partitions: return &message_info_of<describe_topic_partitions_response>;
    case api_key::share_group_describe: return &message_info_of<share_group_describe_response>;
    case api_key::describe_share_group_offsets:
        return &message_info_of<describe_share_group_offsets_response>;
    case api_key::alter_share_group_offsets: return &message_info_of<alter_share_group_offsets_response>;
    case api_key::delete_share_group_offsets: return &message_info_of<delete_share_group_offsets_response>;
    default: return nullptr;
    }
}

/// Learns what a response says of topics, and returns what `topic_directory::learn` does; 0 for other APIs,
/// whose bodies are not looked at.
///
/// The body is checked first. Errors: as `parse`; nothing is learned then.
[[nodiscard]] inline expected<std::size_t, error>
learn_topics(topic_directory& topics, const response_frame& frame, parse_options options = {}) {
    const message_info* const message = response_with_topics(frame.api());
    if (message == nullptr) return std::size_t{0};
    const auto response = parse(*message, frame, options);
    if (!response) return unexpected(response.error());
    return topics.learn((*response).view());
}

} // namespace kwire
