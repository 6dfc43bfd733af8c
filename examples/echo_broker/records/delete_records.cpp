// DeleteRecords: the beginning of a partition, deleted.
#include <kwire/messages/delete_records.hpp>

#include "echo_broker/broker.hpp"
#include "echo_broker/records/handlers.hpp"

namespace echo_broker {

kwire::delete_records_response::data
delete_records(broker& here, const kwire::message<kwire::delete_records_request>& asked, client&) {
    constexpr std::int64_t high_watermark = -1;
    kwire::delete_records_response::data answer;
    for (const auto asked_topic : asked->topics()) {
        topic* const topic = here.topics.find(asked_topic.name());
        auto& out = answer.topics.emplace_back();
        out.name = asked_topic.name();
        for (const auto partition : asked_topic.partitions()) {
            auto& result = out.partitions.emplace_back();
            result.partition_index = partition.partition_index();
            result.low_watermark = -1;
            auto* const log = topic != nullptr ? topic->partition(partition.partition_index()) : nullptr;
            if (log == nullptr) {
                result.error_code = error_code::unknown_topic_or_partition;
                continue;
            }
            if (topic->is_internal()) {
                result.error_code = error_code::invalid_topic_exception;
                continue;
            }
            const std::int64_t offset =
                partition.offset() == high_watermark ? log->end_offset() : partition.offset();
            if (offset < 0 || offset > log->end_offset()) {
                result.error_code = error_code::offset_out_of_range;
                continue;
            }
            log->drop_before(here.records, offset);
            result.low_watermark = log->start_offset();
        }
    }
    return answer;
}

} // namespace echo_broker
