/// Produce request, version 9 and no other, read and written by hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "bench/hand/gather.hpp"
#include "bench/hand/read.hpp"
#include "bench/hand/write.hpp"

namespace bench::by_hand {

struct produce_request {
    /// One pass: validates the bytes and passes each value to the sink.
    template <class Sink>
    static answer read_by_hand(std::span<const std::byte> body, Sink& result) noexcept {
        const std::byte* p = body.data();
        const std::byte* const end = p + body.size();
        Sink sink = result; // a local copy stays in registers

        if (p == end) return refused;
        p = read_string<true>(p, end, 7, sink);
        if (p == nullptr) return refused;
        sink.number(load<std::int16_t>(p));
        sink.number(load<std::int32_t>(p + 2));
        const varint topics = read_count(p + 6, end, 3);
        p = topics.next;
        if (p == nullptr) return refused;
        for (std::uint32_t topic = 0; topic < topics.value; ++topic) {
            if (p == end) return refused;
            p = read_string<false>(p, end, 1, sink);
            if (p == nullptr) return refused;
            const varint partitions = read_count(p, end, 6);
            p = partitions.next;
            if (p == nullptr) return refused;
            for (std::uint32_t partition = 0; partition < partitions.value; ++partition) {
                if (left(p, end) < 5) return refused;
                sink.number(load<std::int32_t>(p));
                p = read_bytes<true>(p + 4, end, 1, sink);
                if (p == nullptr) return refused;
                p = end_struct(p, end);
                if (p == nullptr) return refused;
            }
            if (p == end) return refused;
            p = end_struct(p, end);
            if (p == nullptr) return refused;
        }
        if (p == end || end_struct(p, end) != end) return refused;
        result = sink;
        return {true, result.result()};
    }

    template <class Data, class Payloads = copied_payloads>
    static std::byte* write_by_hand(const Data& data, std::byte* at, Payloads&& payloads = {}) {
        at = put_nullable_text(at, data.transactional_id);
        at = put(at, data.acks);
        at = put(at, data.timeout_ms);
        at = put_count(at, data.topic_data.size());
        for (const auto& topic : data.topic_data) {
            at = put_text(at, topic.name);
            at = put_count(at, topic.partition_data.size());
            for (const auto& partition : topic.partition_data) {
                at = put(at, partition.index);
                at = payloads.put(at, partition.records);
                at = put_no_tags(at);
            }
            at = put_no_tags(at);
        }
        return put_no_tags(at);
    }

    template <class Data, class Payloads = copied_payloads>
    static std::size_t size_by_hand(const Data& data, Payloads&& payloads = {}) noexcept {
        std::size_t size = 7 + nullable_text_size(data.transactional_id) + count_size(data.topic_data.size());
        for (const auto& topic : data.topic_data) {
            size += 1 + text_size(topic.name) + count_size(topic.partition_data.size());
            for (const auto& partition : topic.partition_data) size += 5 + payloads.size(partition.records);
        }
        return size;
    }
};

} // namespace bench::by_hand
