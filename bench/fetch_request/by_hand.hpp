/// Fetch request, version 12 and no other, read and written by hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "bench/hand/read.hpp"
#include "bench/hand/write.hpp"

namespace bench::by_hand {

struct fetch_request {
    /// One pass: validates the bytes and passes each value to the sink.
    template <class Sink>
    static answer read_by_hand(std::span<const std::byte> body, Sink& result) noexcept {
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
            p = read_tags(p, end,
                          [&](std::uint32_t number, const std::byte* at, const std::byte* payload_end) {
                              if (number == 1) return false; // version 15 adds the replica's state
                              if (number != 0) return true;
                              if (at == payload_end) return false;
                              const varint size = read_varint(at, payload_end);
                              if (size.next == nullptr) return false;
                              if (size.value == 0) return size.next == payload_end;
                              if (size.value > 32768 || size.value - 1 != left(size.next, payload_end))
                                  return false;
                              cluster_id.emplace(reinterpret_cast<const char*>(size.next), size.value - 1);
                              return true;
                          });
        }
        if (p != end) return refused;
        sink.text(cluster_id);
        result = sink;
        return {true, result.result()};
    }

    /// Without the cluster id, which only followers send.
    template <class Data>
    static std::byte* write_by_hand(const Data& data, std::byte* at) noexcept {
        at = put(at, data.replica_id);
        at = put(at, data.max_wait_ms);
        at = put(at, data.min_bytes);
        at = put(at, data.max_bytes);
        at = put(at, data.isolation_level);
        at = put(at, data.session_id);
        at = put(at, data.session_epoch);
        at = put_count(at, data.topics.size());
        for (const auto& topic : data.topics) {
            at = put_text(at, topic.topic);
            at = put_count(at, topic.partitions.size());
            for (const auto& partition : topic.partitions) {
                at = put(at, partition.partition);
                at = put(at, partition.current_leader_epoch);
                at = put(at, partition.fetch_offset);
                at = put(at, partition.last_fetched_epoch);
                at = put(at, partition.log_start_offset);
                at = put(at, partition.partition_max_bytes);
                at = put_no_tags(at);
            }
            at = put_no_tags(at);
        }
        at = put_count(at, data.forgotten_topics_data.size());
        for (const auto& topic : data.forgotten_topics_data) {
            at = put_text(at, topic.topic);
            at = put_numbers(at, topic.partitions);
            at = put_no_tags(at);
        }
        at = put_text(at, data.rack_id);
        return put_no_tags(at);
    }

    template <class Data>
    static std::size_t size_by_hand(const Data& data) noexcept {
        std::size_t size = 26 + count_size(data.topics.size()) +
                           count_size(data.forgotten_topics_data.size()) + text_size(data.rack_id);
        for (const auto& topic : data.topics)
            size += 1 + text_size(topic.topic) + count_size(topic.partitions.size()) +
                    33 * topic.partitions.size();
        for (const auto& topic : data.forgotten_topics_data)
            size += 1 + text_size(topic.topic) + numbers_size(topic.partitions, 4);
        return size;
    }
};

} // namespace bench::by_hand
