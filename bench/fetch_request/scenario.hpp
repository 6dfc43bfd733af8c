/// Fetch requests, version 12: an array of wide structs of one width.
#pragma once

#include <kwire/messages/fetch.hpp>

#include "bench/fetch_request/by_hand.hpp"
#include "bench/harness/message.hpp"

// In each contender's file on its own, so that the compiler knows all callers.
namespace {

struct fetch_request : bench::by_hand::fetch_request {
    using message = kwire::fetch_request;
    static constexpr int version = 12;
    static constexpr const char* cases[] = {"fetch_request_1x1", "fetch_request_100x50"};
    static constexpr const char* small = "small_fetch_request"; ///< damaged in all ways

    template <class View, class Sink>
    [[gnu::always_inline]] static void visit_front(const View& view, Sink& sink) noexcept {
        sink.number(view.replica_id());
        sink.number(view.max_wait_ms());
        sink.number(view.min_bytes());
        sink.number(view.max_bytes());
        sink.number(view.isolation_level());
        sink.number(view.session_id());
        sink.number(view.session_epoch());
    }
    template <class View, class Sink>
    [[gnu::always_inline]] static void visit_partition(const View& partition, Sink& sink) noexcept {
        sink.number(partition.partition());
        sink.number(partition.current_leader_epoch());
        sink.number(partition.fetch_offset());
        sink.number(partition.last_fetched_epoch());
        sink.number(partition.log_start_offset());
        sink.number(partition.partition_max_bytes());
    }

    template <class View, class Sink>
    static void visit(const View& view, Sink& sink) noexcept {
        visit_front(view, sink);
        for (auto topic : view.topics()) {
            sink.text(topic.topic());
            for (auto partition : topic.partitions()) visit_partition(partition, sink);
        }
        for (auto topic : view.forgotten_topics_data()) {
            sink.text(topic.topic());
            for (const std::int32_t partition : topic.partitions()) sink.number(partition);
        }
        sink.text(view.rack_id());
        sink.text(view.cluster_id());
    }

    template <int V, class Sink>
    struct visitor {
        Sink sink;

        using request = kwire::fetch_request::basic_view<V>;
        using topic = kwire::fetch_request::topic::basic_view<V>;

        void operator()(const kwire::before<"topics", request>& view) noexcept { visit_front(view, sink); }
        void operator()(const kwire::before<"partitions", topic>& view) noexcept { sink.text(view.topic()); }
        void operator()(const kwire::fetch_request::partition::basic_view<V>& partition) noexcept {
            visit_partition(partition, sink);
        }
        void operator()(const kwire::fetch_request::forgotten_topic::basic_view<V>& view) noexcept {
            sink.text(view.topic());
            for (const std::int32_t partition : view.partitions()) sink.number(partition);
        }
        void operator()(const request& view) noexcept {
            sink.text(view.rack_id());
            sink.text(view.cluster_id());
        }
    };

    template <class View>
    static std::uint64_t two_fields(const View& view) noexcept {
        const auto topic = bench::middle_of(view.topics());
        return static_cast<std::uint64_t>(topic.topic().size()) + topic.partitions().size();
    }
};

} // namespace
