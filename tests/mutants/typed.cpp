/// The typed walks of a few messages, to be compiled with a mutant: the linker then takes these instead of
/// those that lie in the library of all walks. Together they have every kind of step.
#include <kwire/messages/view/describe_quorum.hpp>
#include <kwire/messages/view/describe_topic_partitions.hpp>
#include <kwire/messages/view/group_metadata_record.hpp>

#include "walks/places.hpp"

namespace support {

#define KWIRE_TEST_WALKS(message, version)                                                                   \
    template std::optional<kwire::error> parse_and_walk_at<kwire::message, version>(                         \
        std::span<const std::byte>, places&, kwire::parse_options);                                          \
    template std::optional<kwire::error> parse_and_walk<kwire::message>(std::span<const std::byte>, int,     \
                                                                        places&, kwire::parse_options)
KWIRE_TEST_WALKS(describe_topic_partitions_response, 0);
KWIRE_TEST_WALKS(describe_quorum_response, 2);
KWIRE_TEST_WALKS(group_metadata_value, 3);

} // namespace support
