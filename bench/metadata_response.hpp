/// Metadata response v12: the input, the hand-written parser, and a visit of kwire's views.
#pragma once

#include <kwire/messages/metadata.hpp>
#include <kwire/read/parse.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "bench/by_hand.hpp"
#include "bench/byte_writer.hpp"
#include "bench/contest.hpp"

namespace bench {

/// A cluster with the given number of topics, and partitions per topic: 3 replicas, all in sync, none
/// offline.
inline input make_metadata_response(int brokers, int topics, int partitions) {
    byte_writer out;
    out.number(std::int32_t{0});
    out.count(static_cast<std::size_t>(brokers));
    for (std::int32_t broker = 0; broker < brokers; ++broker) {
        out.number(broker);
        out.text("broker-" + std::to_string(broker) + ".kafka.example");
        out.number(std::int32_t{9092});
        if (broker % 4 == 3)
            out.text(std::nullopt);
        else
            out.text("rack-" + std::to_string(broker % 3));
        out.empty_tag_section();
    }
    out.text("5L6g3nShT-eMCtK--X86sw");
    out.number(std::int32_t{1});
    out.count(static_cast<std::size_t>(topics));
    for (int topic = 0; topic < topics; ++topic) {
        out.number(std::int16_t{0});
        out.text("orders.region-" + std::to_string(topic * 7919) + ".v1");
        std::array<std::byte, 16> id{};
        for (std::size_t i = 0; i < id.size(); ++i)
            id[i] = static_cast<std::byte>((static_cast<std::size_t>(topic) * 31 + i * 17) & 0xff);
        out.id(id);
        out.number(std::int8_t{topic % 100 == 99});
        out.count(static_cast<std::size_t>(partitions));
        for (std::int32_t partition = 0; partition < partitions; ++partition) {
            out.number(std::int16_t{0});
            out.number(partition);
            const std::int32_t leader = (topic + partition) % brokers;
            out.number(leader);
            out.number(std::int32_t{5 + topic % 7});
            for (int list = 0; list < 2; ++list) { // replicas, and the in-sync ones
                out.count(3);
                for (std::int32_t replica = 0; replica < 3; ++replica)
                    out.number((leader + replica) % brokers);
            }
            out.count(0);
            out.empty_tag_section();
        }
        out.number(std::int32_t{-2147483647 - 1});
        out.empty_tag_section();
    }
    out.empty_tag_section();
    return std::move(out).finish();
}

/// One pass over version 12 and no other: validates the bytes and passes each value to the sink.
template <class Sink>
answer metadata_response_by_hand(std::span<const std::byte> body, Sink& result) noexcept {
    using namespace by_hand;
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

/// Visits every field that version 12 has, through accessors alone.
template <class View, class Sink>
answer visit_metadata_response(const View& response, Sink& result) noexcept {
    Sink sink = result;
    sink.number(response.throttle_time_ms());
    for (auto broker : response.brokers()) {
        sink.number(broker.node_id());
        sink.text(broker.host());
        sink.number(broker.port());
        sink.text(broker.rack());
    }
    sink.text(response.cluster_id());
    sink.number(response.controller_id());
    for (auto topic : response.topics()) {
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
    result = sink;
    return {true, result.result()};
}

} // namespace bench
