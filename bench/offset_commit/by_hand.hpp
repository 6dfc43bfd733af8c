/// OffsetCommit request, version 8 and no other, read and written by hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "bench/hand/read.hpp"
#include "bench/hand/write.hpp"

namespace bench::by_hand {

struct offset_commit {
    /// One pass: validates the bytes and passes each value to the sink.
    template <class Sink>
    static answer read_by_hand(std::span<const std::byte> body, Sink& result) noexcept {
        const std::byte* p = body.data();
        const std::byte* const end = p + body.size();
        Sink sink = result; // a local copy stays in registers

        if (p == end) return refused;
        p = read_string<false>(p, end, 5, sink);
        if (p == nullptr) return refused;
        sink.number(load<std::int32_t>(p));
        p = read_string<false>(p + 4, end, 1, sink);
        if (p == nullptr) return refused;
        p = read_string<true>(p, end, 1, sink);
        if (p == nullptr) return refused;
        const varint topics = read_count(p, end, 3);
        p = topics.next;
        if (p == nullptr) return refused;
        for (std::uint32_t topic = 0; topic < topics.value; ++topic) {
            if (p == end) return refused;
            p = read_string<false>(p, end, 1, sink);
            if (p == nullptr) return refused;
            const varint partitions = read_count(p, end, 18);
            p = partitions.next;
            if (p == nullptr) return refused;
            for (std::uint32_t partition = 0; partition < partitions.value; ++partition) {
                if (left(p, end) < 17) return refused;
                sink.number(load<std::int32_t>(p));
                sink.number(load<std::int64_t>(p + 4));
                sink.number(load<std::int32_t>(p + 12));
                p = read_string<true>(p + 16, end, 1, sink);
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

    template <class Data>
    static std::byte* write_by_hand(const Data& data, std::byte* at) noexcept {
        at = put_text(at, data.group_id);
        at = put(at, data.generation_id_or_member_epoch);
        at = put_text(at, data.member_id);
        at = put_nullable_text(at, data.group_instance_id);
        at = put_count(at, data.topics.size());
        for (const auto& topic : data.topics) {
            at = put_text(at, topic.name);
            at = put_count(at, topic.partitions.size());
            for (const auto& partition : topic.partitions) {
                at = put(at, partition.partition_index);
                at = put(at, partition.committed_offset);
                at = put(at, partition.committed_leader_epoch);
                at = put_nullable_text(at, partition.committed_metadata);
                at = put_no_tags(at);
            }
            at = put_no_tags(at);
        }
        return put_no_tags(at);
    }

    template <class Data>
    static std::size_t size_by_hand(const Data& data) noexcept {
        std::size_t size = 5 + text_size(data.group_id) + text_size(data.member_id) +
                           nullable_text_size(data.group_instance_id) + count_size(data.topics.size());
        for (const auto& topic : data.topics) {
            size += 1 + text_size(topic.name) + count_size(topic.partitions.size());
            for (const auto& partition : topic.partitions)
                size += 17 + nullable_text_size(partition.committed_metadata);
        }
        return size;
    }
};

} // namespace bench::by_hand
