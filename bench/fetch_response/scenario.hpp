/// Fetch responses, version 12: lengths of two bytes and tagged fields that are absent in every partition,
/// and payloads that are not looked into.
#pragma once

#include <kwire/messages/fetch.hpp>

#include "bench/fetch_response/by_hand.hpp"
#include "bench/harness/message.hpp"

// In each contender's file on its own, so that the compiler knows all callers.
namespace {

struct fetch_response : bench::by_hand::fetch_response {
    using message = kwire::fetch_response;
    static constexpr int version = 12;
    static constexpr const char* cases[] = {"fetch_response_1x1_tiny", "fetch_response_1x1_1MiB",
                                            "fetch_response_100x10"};
    static constexpr const char* small = "small_fetch_response"; ///< damaged in all ways

    template <class View, class Sink>
    [[gnu::always_inline]] static void visit_partition(const View& partition, Sink& sink) noexcept {
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

    template <class View, class Sink>
    static void visit(const View& view, Sink& sink) noexcept {
        sink.number(view.throttle_time_ms());
        sink.number(view.error_code());
        sink.number(view.session_id());
        for (auto topic : view.responses()) {
            sink.text(topic.topic());
            for (auto partition : topic.partitions()) visit_partition(partition, sink);
        }
    }

    template <int V, class Sink>
    struct visitor {
        Sink sink;

        using response = kwire::fetch_response::basic_view<V>;
        using topic = kwire::fetch_response::fetchable_topic_response::basic_view<V>;

        void operator()(const kwire::before<"responses", response>& view) noexcept {
            sink.number(view.throttle_time_ms());
            sink.number(view.error_code());
            sink.number(view.session_id());
        }
        void operator()(const kwire::before<"partitions", topic>& view) noexcept { sink.text(view.topic()); }
        void operator()(const kwire::fetch_response::partition_data::basic_view<V>& partition) noexcept {
            visit_partition(partition, sink);
        }
    };

    template <class View>
    static std::uint64_t two_fields(const View& view) noexcept {
        const auto topic = bench::middle_of(view.responses());
        return static_cast<std::uint64_t>(topic.topic().size()) + topic.partitions().size();
    }
};

} // namespace
