// The handlers of cluster/: who serves what.
#pragma once

#include <kwire/connect/negotiation.hpp>
#include <kwire/expected.hpp>
#include <kwire/messages/describe_cluster.hpp>
#include <kwire/messages/find_coordinator.hpp>
#include <kwire/messages/sasl_authenticate.hpp>
#include <kwire/messages/sasl_handshake.hpp>

#include "echo_broker/service.hpp"

namespace echo_broker {

/// What answers an ApiVersions request in any version.
kwire::expected<kwire::api_versions_answer, kwire::error>
answer_api_versions(const kwire::request_frame& request);
/// Answers in any version.
void api_versions(broker& here, kwire::request_frame frame, client& from, kwire::responder to,
                  open_request request);
kwire::describe_cluster_response::data
describe_cluster(broker& here, const kwire::message<kwire::describe_cluster_request>& asked, client& from);
kwire::find_coordinator_response::data
find_coordinator(broker& here, const kwire::message<kwire::find_coordinator_request>& asked, client& from);
kwire::sasl_handshake_response::data
sasl_handshake(broker& here, const kwire::message<kwire::sasl_handshake_request>& asked, client& from);
kwire::sasl_authenticate_response::data
sasl_authenticate(broker& here, const kwire::message<kwire::sasl_authenticate_request>& asked, client& from);

} // namespace echo_broker
