// Fetch responses, version 12: lengths of two bytes and tagged fields that are absent in every partition, and
// payloads that are not looked into.
#include <kwire/messages/fetch.hpp>

#include "bench/fetch_response/by_hand.hpp"
#include "bench/harness/message.hpp"

namespace {

struct fetch_response : bench::by_hand::fetch_response {
    using message = kwire::fetch_response;
    static constexpr int version = 12;

    template <class View, class Sink>
    static void visit(const View& view, Sink& sink) noexcept {
        sink.number(view.throttle_time_ms());
        sink.number(view.error_code());
        sink.number(view.session_id());
        for (auto topic : view.responses()) {
            sink.text(topic.topic());
            for (auto partition : topic.partitions()) {
                sink.number(partition.partition_index());
                sink.number(partition.error_code());
                sink.number(partition.high_watermark());
                sink.number(partition.last_stable_offset());
                sink.number(partition.log_start_offset());
                for (auto aborted : partition.aborted_transactions()) {
                    sink.number(aborted.producer_id());
                    sink.number(aborted.first_offset());
                }
                sink.number(partition.preferred_read_replica());
                sink.bytes(partition.records());
                const auto diverging = partition.diverging_epoch();
                sink.number(diverging.epoch());
                sink.number(diverging.end_offset());
                const auto leader = partition.current_leader();
                sink.number(leader.leader_id());
                sink.number(leader.leader_epoch());
                const auto snapshot = partition.snapshot_id();
                sink.number(snapshot.end_offset());
                sink.number(snapshot.epoch());
            }
        }
    }

    template <class View>
    static std::uint64_t two_fields(const View& view) noexcept {
        const auto topic = bench::middle_of(view.responses());
        return static_cast<std::uint64_t>(topic.topic().size()) + topic.partitions().size();
    }
};

const bench::scenario rows([] {
    for (const char* name : {"fetch_response_1x1_tiny", "fetch_response_1x1_1MiB", "fetch_response_100x10"})
        bench::add_message<fetch_response>(name, "small_fetch_response");
});

} // namespace
