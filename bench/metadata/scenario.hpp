/// Metadata responses, version 12: nested arrays of small structs.
#pragma once

#include <kwire/messages/metadata.hpp>

#include "bench/harness/message.hpp"
#include "bench/metadata/by_hand.hpp"

// In each contender's file on its own, so that the compiler knows all callers.
namespace {

using kwire::metadata_response;

struct metadata : bench::by_hand::metadata {
    using message = metadata_response;
    static constexpr int version = 12;
    static constexpr const char* cases[] = {"metadata_10x3",   "metadata_10x10",  "metadata_32x10",
                                            "metadata_100x10", "metadata_316x10", "metadata_1000x10"};
    static constexpr const char* small = "small_metadata"; ///< damaged in all ways

    template <class View, class Sink>
    [[gnu::always_inline]] static void visit_broker(const View& broker, Sink& sink) noexcept {
        sink.number(broker.node_id());
        sink.text(broker.host());
        sink.number(broker.port());
        sink.text(broker.rack());
    }
    template <class View, class Sink>
    [[gnu::always_inline]] static void visit_partition(const View& partition, Sink& sink) noexcept {
        sink.number(partition.error_code());
        sink.number(partition.partition_index());
        sink.number(partition.leader_id());
        sink.number(partition.leader_epoch());
        for (const std::int32_t replica : partition.replica_nodes()) sink.number(replica);
        for (const std::int32_t replica : partition.isr_nodes()) sink.number(replica);
        for (const std::int32_t replica : partition.offline_replicas()) sink.number(replica);
    }

    template <class View, class Sink>
    static void visit(const View& view, Sink& sink) noexcept {
        sink.number(view.throttle_time_ms());
        for (auto broker : view.brokers()) visit_broker(broker, sink);
        sink.text(view.cluster_id());
        sink.number(view.controller_id());
        for (auto topic : view.topics()) {
            sink.number(topic.error_code());
            sink.text(topic.name());
            const kwire::uuid id = topic.topic_id();
            sink.id(id.bytes.data());
            sink.number(topic.is_internal());
            for (auto partition : topic.partitions()) visit_partition(partition, sink);
            sink.number(topic.topic_authorized_operations());
        }
    }

    template <int V, class Sink>
    struct visitor {
        Sink sink;

        using response = metadata_response::basic_view<V>;
        using topic = metadata_response::topic::basic_view<V>;

        void operator()(const kwire::before<"brokers", response>& view) noexcept {
            sink.number(view.throttle_time_ms());
        }
        void operator()(const metadata_response::broker::basic_view<V>& broker) noexcept {
            visit_broker(broker, sink);
        }
        void operator()(const kwire::before<"topics", response>& view) noexcept {
            sink.text(view.cluster_id());
            sink.number(view.controller_id());
        }
        void operator()(const kwire::before<"partitions", topic>& view) noexcept {
            sink.number(view.error_code());
            sink.text(view.name());
            const kwire::uuid id = view.topic_id();
            sink.id(id.bytes.data());
            sink.number(view.is_internal());
        }
        void operator()(const metadata_response::partition::basic_view<V>& partition) noexcept {
            visit_partition(partition, sink);
        }
        void operator()(const topic& view) noexcept { sink.number(view.topic_authorized_operations()); }
    };

    template <class View>
    static std::uint64_t two_fields(const View& view) noexcept {
        const auto topic = bench::middle_of(view.topics());
        return static_cast<std::uint64_t>(topic.name()->size()) +
               static_cast<std::uint64_t>(topic.topic_authorized_operations());
    }
};

} // namespace
