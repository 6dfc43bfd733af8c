/// The typed reading of a few messages, to be compiled with a mutant: see typed.cpp.
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/share_fetch.hpp>
#include <kwire/messages/streams_group_heartbeat.hpp>
#include <kwire/messages/update_raft_voter.hpp>

#include "messages/message_type.hpp"

namespace support {

#define KWIRE_TEST_READS(message, version)                                                                   \
    template std::optional<kwire::error> read<kwire::message>(std::span<const std::byte>, int, sink&,        \
                                                              kwire::parse_options);                         \
    template std::optional<kwire::error> read_at<kwire::message, version>(std::span<const std::byte>, sink&, \
                                                                          kwire::parse_options)
KWIRE_TEST_READS(share_fetch_response, 1);
KWIRE_TEST_READS(fetch_response, 18);
KWIRE_TEST_READS(fetch_request, 18);
KWIRE_TEST_READS(streams_group_heartbeat_response, 0);
KWIRE_TEST_READS(update_raft_voter_request, 0);

} // namespace support
