// Fetch requests, version 12: an array of wide structs of one width.
#include <kwire/messages/fetch.hpp>

#include "bench/fetch_request/by_hand.hpp"
#include "bench/harness/message.hpp"

namespace {

struct fetch_request : bench::by_hand::fetch_request {
    using message = kwire::fetch_request;
    static constexpr int version = 12;

    template <class View, class Sink>
    static void visit(const View& view, Sink& sink) noexcept {
        sink.number(view.replica_id());
        sink.number(view.max_wait_ms());
        sink.number(view.min_bytes());
        sink.number(view.max_bytes());
        sink.number(view.isolation_level());
        sink.number(view.session_id());
        sink.number(view.session_epoch());
        for (auto topic : view.topics()) {
            sink.text(topic.topic());
            for (auto partition : topic.partitions()) {
                sink.number(partition.partition());
                sink.number(partition.current_leader_epoch());
                sink.number(partition.fetch_offset());
                sink.number(partition.last_fetched_epoch());
                sink.number(partition.log_start_offset());
                sink.number(partition.partition_max_bytes());
            }
        }
        for (auto topic : view.forgotten_topics_data()) {
            sink.text(topic.topic());
            for (const std::int32_t partition : topic.partitions()) sink.number(partition);
        }
        sink.text(view.rack_id());
        sink.text(view.cluster_id());
    }

    template <class View>
    static std::uint64_t two_fields(const View& view) noexcept {
        const auto topic = bench::middle_of(view.topics());
        return static_cast<std::uint64_t>(topic.topic().size()) + topic.partitions().size();
    }
};

const bench::scenario rows([] {
    for (const char* name : {"fetch_request_1x1", "fetch_request_100x50"})
        bench::add_message<fetch_request>(name, "small_fetch_request");
});

} // namespace
