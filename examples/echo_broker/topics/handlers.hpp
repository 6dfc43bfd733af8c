// The handlers of topics/.
#pragma once

#include <kwire/messages/alter_configs.hpp>
#include <kwire/messages/create_partitions.hpp>
#include <kwire/messages/create_topics.hpp>
#include <kwire/messages/delete_topics.hpp>
#include <kwire/messages/describe_configs.hpp>
#include <kwire/messages/describe_log_dirs.hpp>
#include <kwire/messages/describe_topic_partitions.hpp>
#include <kwire/messages/incremental_alter_configs.hpp>
#include <kwire/messages/metadata.hpp>

#include "echo_broker/service.hpp"

namespace echo_broker {

kwire::alter_configs_response::data
alter_configs(broker& here, const kwire::message<kwire::alter_configs_request>& asked, client& from);
kwire::create_partitions_response::data
create_partitions(broker& here, const kwire::message<kwire::create_partitions_request>& asked, client& from);
kwire::create_topics_response::data
create_topics(broker& here, const kwire::message<kwire::create_topics_request>& asked, client& from);
kwire::delete_topics_response::data
delete_topics(broker& here, const kwire::message<kwire::delete_topics_request>& asked, client& from);
kwire::describe_configs_response::data
describe_configs(broker& here, const kwire::message<kwire::describe_configs_request>& asked, client& from);
kwire::describe_log_dirs_response::data
describe_log_dirs(broker& here, const kwire::message<kwire::describe_log_dirs_request>& asked, client& from);
kwire::describe_topic_partitions_response::data
describe_topic_partitions(broker& here, const kwire::message<kwire::describe_topic_partitions_request>& asked,
                          client& from);
kwire::incremental_alter_configs_response::data
incremental_alter_configs(broker& here, const kwire::message<kwire::incremental_alter_configs_request>& asked,
                          client& from);
kwire::metadata_response::data metadata(broker& here, const kwire::message<kwire::metadata_request>& asked,
                                        client& from);

} // namespace echo_broker
