/// Produce requests, version 9: little but record batches.
#pragma once

#include <kwire/messages/produce.hpp>

#include "bench/harness/message.hpp"
#include "bench/produce_request/by_hand.hpp"

// In each contender's file on its own, so that the compiler knows all callers.
namespace {

struct produce_request : bench::by_hand::produce_request {
    using message = kwire::produce_request;
    static constexpr int version = 9;
    static constexpr const char* cases[] = {"produce_request_1x1_1MiB", "produce_request_100x10"};
    static constexpr const char* small = "small_produce_request"; ///< damaged in all ways

    template <class View, class Sink>
    static void visit(const View& view, Sink& sink) noexcept {
        sink.text(view.transactional_id());
        sink.number(view.acks());
        sink.number(view.timeout_ms());
        for (auto topic : view.topic_data()) {
            sink.text(topic.name());
            for (auto partition : topic.partition_data()) {
                sink.number(partition.index());
                sink.bytes(partition.records());
            }
        }
    }

    template <int V, class Sink>
    struct visitor {
        Sink sink;

        using request = kwire::produce_request::basic_view<V>;
        using topic = kwire::produce_request::topic_produce_data::basic_view<V>;

        void operator()(const kwire::before<"topic_data", request>& view) noexcept {
            sink.text(view.transactional_id());
            sink.number(view.acks());
            sink.number(view.timeout_ms());
        }
        void operator()(const kwire::before<"partition_data", topic>& view) noexcept {
            sink.text(view.name());
        }
        void
        operator()(const kwire::produce_request::partition_produce_data::basic_view<V>& partition) noexcept {
            sink.number(partition.index());
            sink.bytes(partition.records());
        }
    };

    template <class View>
    static std::uint64_t two_fields(const View& view) noexcept {
        const auto topic = bench::middle_of(view.topic_data());
        return static_cast<std::uint64_t>(topic.name().size()) + topic.partition_data().size();
    }
};

} // namespace
