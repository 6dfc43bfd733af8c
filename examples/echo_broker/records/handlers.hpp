// The handlers of records/: Produce, Fetch and what there is to fetch.
#pragma once

#include <kwire/messages/delete_records.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/list_offsets.hpp>
#include <kwire/messages/offset_for_leader_epoch.hpp>
#include <kwire/messages/produce.hpp>

#include "echo_broker/service.hpp"

namespace echo_broker {

void produce(broker& here, kwire::message<kwire::produce_request> request, client& from,
             answer_to<kwire::produce_response> to);
void fetch(broker& here, kwire::message<kwire::fetch_request> request, client& from,
           answer_to<kwire::fetch_response> to);
kwire::delete_records_response::data
delete_records(broker& here, const kwire::message<kwire::delete_records_request>& asked, client& from);
kwire::offset_for_leader_epoch_response::data
offset_for_leader_epoch(broker& here, const kwire::message<kwire::offset_for_leader_epoch_request>& asked,
                        client& from);
kwire::list_offsets_response::data
list_offsets(broker& here, const kwire::message<kwire::list_offsets_request>& asked, client& from);

} // namespace echo_broker
