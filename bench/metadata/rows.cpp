// Metadata responses, version 12: nested arrays of small structs.
#include <kwire/messages/metadata.hpp>
#include <kwire/reflect/transcode.hpp>

#include <algorithm>
#include <string>

#include "bench/harness/message.hpp"
#include "bench/metadata/by_hand.hpp"

namespace {

using kwire::metadata_response;

struct metadata : bench::by_hand::metadata {
    using message = metadata_response;
    static constexpr int version = 12;

    template <class View, class Sink>
    static void visit(const View& view, Sink& sink) noexcept {
        sink.number(view.throttle_time_ms());
        for (auto broker : view.brokers()) {
            sink.number(broker.node_id());
            sink.text(broker.host());
            sink.number(broker.port());
            sink.text(broker.rack());
        }
        sink.text(view.cluster_id());
        sink.number(view.controller_id());
        for (auto topic : view.topics()) {
            sink.number(topic.error_code());
            sink.text(topic.name());
            const kwire::uuid id = topic.topic_id();
            sink.id(id.bytes.data());
            sink.number(topic.is_internal());
            for (auto partition : topic.partitions()) {
                sink.number(partition.error_code());
                sink.number(partition.partition_index());
                sink.number(partition.leader_id());
                sink.number(partition.leader_epoch());
                for (const std::int32_t replica : partition.replica_nodes()) sink.number(replica);
                for (const std::int32_t replica : partition.isr_nodes()) sink.number(replica);
                for (const std::int32_t replica : partition.offline_replicas()) sink.number(replica);
            }
            sink.number(topic.topic_authorized_operations());
        }
    }

    template <class View>
    static std::uint64_t two_fields(const View& view) noexcept {
        const auto topic = bench::middle_of(view.topics());
        return static_cast<std::uint64_t>(topic.name()->size()) +
               static_cast<std::uint64_t>(topic.topic_authorized_operations());
    }
};

/// From version 12 to 4, which has no topic ids; by way of owned data, and straight from bytes to bytes.
void add_transcode(const std::string& name) {
    const auto shared = kwire::shared_buffer::copy_of(bench::corpus::get().at(name).bytes);
    auto straight = [shared]() mutable {
        bench::keep(shared);
        return kwire::transcode(kwire::message_info_of<metadata_response>, shared, 12, 4);
    };
    bench::add(
        name, "transcode", "kwire",
        [name, straight]() mutable {
            const auto older = straight().value().to_bytes();
            return std::ranges::equal(older.span(), bench::corpus::get().at(name + "_v4").bytes);
        },
        straight);
}

const bench::scenario rows([] {
    for (const char* name : {"metadata_10x3", "metadata_10x10", "metadata_32x10", "metadata_100x10",
                             "metadata_316x10", "metadata_1000x10"}) {
        bench::add_message<metadata>(name, "small_metadata");
        add_transcode(name);
    }
});

} // namespace
