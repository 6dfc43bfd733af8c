/// Metadata response, version 12 and no other, read and written by hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "bench/hand/read.hpp"
#include "bench/hand/write.hpp"

namespace bench::by_hand {

struct metadata {
    /// One pass: validates the bytes and passes each value to the sink.
    template <class Sink>
    static answer read_by_hand(std::span<const std::byte> body, Sink& result) noexcept {
        const std::byte* p = body.data();
        const std::byte* const end = p + body.size();
        Sink sink = result; // a local copy stays in registers

        if (left(p, end) < 5) return refused;
        sink.number(load<std::int32_t>(p));
        const varint brokers = read_count(p + 4, end, 11);
        p = brokers.next;
        if (p == nullptr) return refused;
        for (std::uint32_t broker = 0; broker < brokers.value; ++broker) {
            if (left(p, end) < 5) return refused;
            sink.number(load<std::int32_t>(p));
            p = read_string<false>(p + 4, end, 5, sink);
            if (p == nullptr) return refused;
            sink.number(load<std::int32_t>(p));
            p = read_string<true>(p + 4, end, 1, sink);
            if (p == nullptr) return refused;
            p = end_struct(p, end);
            if (p == nullptr) return refused;
        }

        if (p == end) return refused;
        p = read_string<true>(p, end, 5, sink);
        if (p == nullptr) return refused;
        sink.number(load<std::int32_t>(p));
        const varint topics = read_count(p + 4, end, 26);
        p = topics.next;
        if (p == nullptr) return refused;
        for (std::uint32_t topic = 0; topic < topics.value; ++topic) {
            if (left(p, end) < 3) return refused;
            sink.number(load<std::int16_t>(p));
            p = read_string<true>(p + 2, end, 18, sink);
            if (p == nullptr) return refused;
            sink.id(p);
            sink.number(p[16] != std::byte{0});
            const varint partitions = read_count(p + 17, end, 18);
            p = partitions.next;
            if (p == nullptr) return refused;
            for (std::uint32_t partition = 0; partition < partitions.value; ++partition) {
                if (left(p, end) < 15) return refused;
                sink.number(load<std::int16_t>(p));
                sink.number(load<std::int32_t>(p + 2));
                sink.number(load<std::int32_t>(p + 6));
                sink.number(load<std::int32_t>(p + 10));
                p = read_numbers<std::int32_t>(p + 14, end, 1, sink);
                if (p == nullptr) return refused;
                p = read_numbers<std::int32_t>(p, end, 1, sink);
                if (p == nullptr) return refused;
                p = read_numbers<std::int32_t>(p, end, 1, sink);
                if (p == nullptr) return refused;
                p = end_struct(p, end);
                if (p == nullptr) return refused;
            }
            if (left(p, end) < 5) return refused;
            sink.number(load<std::int32_t>(p));
            p = end_struct(p + 4, end);
            if (p == nullptr) return refused;
        }
        if (p == end || end_struct(p, end) != end) return refused;
        result = sink;
        return {true, result.result()};
    }

    template <class Data>
    static std::byte* write_by_hand(const Data& data, std::byte* at) noexcept {
        at = put(at, data.throttle_time_ms);
        at = put_count(at, data.brokers.size());
        for (const auto& broker : data.brokers) {
            at = put(at, broker.node_id);
            at = put_text(at, broker.host);
            at = put(at, broker.port);
            at = put_nullable_text(at, broker.rack);
            at = put_no_tags(at);
        }
        at = put_nullable_text(at, data.cluster_id);
        at = put(at, data.controller_id);
        at = put_count(at, data.topics.size());
        for (const auto& topic : data.topics) {
            at = put(at, topic.error_code);
            at = put_nullable_text(at, topic.name);
            std::memcpy(at, topic.topic_id.bytes.data(), 16);
            at = put(at + 16, topic.is_internal);
            at = put_count(at, topic.partitions.size());
            for (const auto& partition : topic.partitions) {
                at = put(at, partition.error_code);
                at = put(at, partition.partition_index);
                at = put(at, partition.leader_id);
                at = put(at, partition.leader_epoch);
                at = put_numbers(at, partition.replica_nodes);
                at = put_numbers(at, partition.isr_nodes);
                at = put_numbers(at, partition.offline_replicas);
                at = put_no_tags(at);
            }
            at = put(at, topic.topic_authorized_operations);
            at = put_no_tags(at);
        }
        return put_no_tags(at);
    }

    template <class Data>
    static std::size_t size_by_hand(const Data& data) noexcept {
        std::size_t size = 4 + count_size(data.brokers.size()) + nullable_text_size(data.cluster_id) + 4 +
                           count_size(data.topics.size()) + 1;
        for (const auto& broker : data.brokers)
            size += 9 + text_size(broker.host) + nullable_text_size(broker.rack);
        for (const auto& topic : data.topics) {
            size += 24 + nullable_text_size(topic.name) + count_size(topic.partitions.size());
            for (const auto& partition : topic.partitions)
                size += 15 + numbers_size(partition.replica_nodes, 4) + numbers_size(partition.isr_nodes, 4) +
                        numbers_size(partition.offline_replicas, 4);
        }
        return size;
    }
};

} // namespace bench::by_hand
