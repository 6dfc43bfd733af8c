// Produce requests, version 9: little but record batches.
#include <kwire/messages/produce.hpp>

#include "bench/harness/message.hpp"
#include "bench/produce_request/by_hand.hpp"

namespace {

struct produce_request : bench::by_hand::produce_request {
    using message = kwire::produce_request;
    static constexpr int version = 9;

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

    template <class View>
    static std::uint64_t two_fields(const View& view) noexcept {
        const auto topic = bench::middle_of(view.topic_data());
        return static_cast<std::uint64_t>(topic.name().size()) + topic.partition_data().size();
    }
};

const bench::scenario rows([] {
    for (const char* name : {"produce_request_1x1_1MiB", "produce_request_100x10"})
        bench::add_message<produce_request>(name, "small_produce_request");
});

} // namespace
