/// Fetch request v12: inputs, the hand-written parser, and a visit of kwire's views.
#pragma once

#include <kwire/messages/fetch.hpp>
#include <kwire/read/parse.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "bench/by_hand.hpp"
#include "bench/byte_writer.hpp"
#include "bench/contest.hpp"

namespace bench {

/// A request for the given number of topics with the given number of partitions each. `extras` adds forgotten
/// topics, the cluster id and an unknown tag, which consumers do not send.
inline input make_fetch_request(int topics, int partitions, bool extras = false) {
    byte_writer out;
    for (const std::int32_t number : {-1, 500, 1, 52428800}) out.number(number);
    out.number(std::int8_t{1});
    out.number(std::int32_t{1234567});
    out.number(std::int32_t{42});
    out.count(static_cast<std::size_t>(topics));
    for (int topic = 0; topic < topics; ++topic) {
        out.text("orders.region-" + std::to_string(topic * 7919) + ".v1");
        out.count(static_cast<std::size_t>(partitions));
        for (int partition = 0; partition < partitions; ++partition) {
            out.number(std::int32_t{partition});
            out.number(std::int32_t{7 + topic % 5});
            out.number(std::int64_t{1000003} * partition + topic);
            out.number(std::int32_t{-1});
            out.number(std::int64_t{-1});
            out.number(std::int32_t{1048576});
            out.empty_tag_section();
        }
        out.empty_tag_section();
    }
    const std::size_t forgotten = extras ? 2 : 0;
    out.count(forgotten);
    for (std::size_t i = 0; i < forgotten; ++i) {
        out.text("gone");
        out.count(3);
        for (std::int32_t partition = 0; partition < 3; ++partition) out.number(partition);
        out.empty_tag_section();
    }
    out.text("rack-a");
    if (extras) {
        out.varint(2); // two tags
        out.varint(0); // the cluster id, ten bytes with its length
        out.varint(10);
        out.text("cluster-7");
        out.varint(9); // an unknown tag
        out.varint(2);
        out.append(std::as_bytes(std::span("ab", 2)));
    } else {
        out.missing_text(); // the cluster id
        out.empty_tag_section();
    }
    return std::move(out).finish();
}

/// One pass over version 12 and no other: validates the bytes and passes each value to the sink.
template <class Sink>
answer fetch_request_by_hand(std::span<const std::byte> body, Sink& result) noexcept {
    using namespace by_hand;
    const std::byte* p = body.data();
    const std::byte* const end = p + body.size();
    Sink sink = result; // a local copy stays in registers

    if (left(p, end) < 26) return refused;
    for (int i = 0; i < 4; ++i) sink.number(load<std::int32_t>(p + 4 * i));
    sink.number(load<std::int8_t>(p + 16));
    sink.number(load<std::int32_t>(p + 17));
    sink.number(load<std::int32_t>(p + 21));
    const varint topics = read_count(p + 25, end, 3);
    p = topics.next;
    if (p == nullptr) return refused;
    for (std::uint32_t topic = 0; topic < topics.value; ++topic) {
        if (p == end) return refused;
        p = read_string<false>(p, end, 1, sink);
        if (p == nullptr) return refused;
        const varint partitions = read_count(p, end, 33);
        p = partitions.next;
        if (p == nullptr) return refused;
        for (std::uint32_t partition = 0; partition < partitions.value; ++partition) {
            if (left(p, end) < 33) return refused;
            sink.number(load<std::int32_t>(p));
            sink.number(load<std::int32_t>(p + 4));
            sink.number(load<std::int64_t>(p + 8));
            sink.number(load<std::int32_t>(p + 16));
            sink.number(load<std::int64_t>(p + 20));
            sink.number(load<std::int32_t>(p + 28));
            p = end_struct(p + 32, end);
            if (p == nullptr) return refused;
        }
        if (p == end) return refused;
        p = end_struct(p, end);
        if (p == nullptr) return refused;
    }

    if (p == end) return refused;
    const varint forgotten = read_count(p, end, 3);
    p = forgotten.next;
    if (p == nullptr) return refused;
    for (std::uint32_t topic = 0; topic < forgotten.value; ++topic) {
        if (p == end) return refused;
        p = read_string<false>(p, end, 1, sink);
        if (p != nullptr) p = read_numbers<std::int32_t>(p, end, 1, sink);
        if (p != nullptr) p = end_struct(p, end);
        if (p == nullptr) return refused;
    }

    if (p == end) return refused;
    p = read_string<false>(p, end, 1, sink);
    if (p == nullptr) return refused;
    std::optional<std::string_view> cluster_id;
    if (*p == std::byte{0}) [[likely]] {
        ++p;
    } else {
        p = read_tags(p, end, [&](std::uint32_t number, const std::byte* at, const std::byte* payload_end) {
            if (number == 1) return false; // version 15 adds the replica's state
            if (number != 0) return true;
            if (at == payload_end) return false;
            const varint size = read_varint(at, payload_end);
            if (size.next == nullptr) return false;
            if (size.value == 0) return size.next == payload_end;
            if (size.value > 32768 || size.value - 1 != left(size.next, payload_end)) return false;
            cluster_id.emplace(reinterpret_cast<const char*>(size.next), size.value - 1);
            return true;
        });
    }
    if (p != end) return refused;
    sink.text(cluster_id);
    result = sink;
    return {true, result.result()};
}

/// Visits every field that version 12 has, through accessors alone; the cluster id last, as on the wire.
template <class View, class Sink>
answer visit_fetch_request(const View& request, Sink& result) noexcept {
    Sink sink = result;
    sink.number(request.replica_id());
    sink.number(request.max_wait_ms());
    sink.number(request.min_bytes());
    sink.number(request.max_bytes());
    sink.number(request.isolation_level());
    sink.number(request.session_id());
    sink.number(request.session_epoch());
    for (auto topic : request.topics()) {
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
    for (auto topic : request.forgotten_topics_data()) {
        sink.text(topic.topic());
        for (const std::int32_t partition : topic.partitions()) sink.number(partition);
    }
    sink.text(request.rack_id());
    sink.text(request.cluster_id());
    result = sink;
    return {true, result.result()};
}

} // namespace bench
