/// Fetch response, version 12 and no other, read and written by hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "bench/hand/gather.hpp"
#include "bench/hand/read.hpp"
#include "bench/hand/write.hpp"

namespace bench::by_hand {

struct fetch_response {
    /// The tagged fields of a partition, each with the defaults that it has when it is absent.
    struct partition_tags {
        std::int32_t diverging_epoch = -1;
        std::int64_t diverging_end = -1;
        std::int32_t leader_id = -1, leader_epoch = -1;
        std::int64_t snapshot_end = -1;
        std::int32_t snapshot_epoch = -1;
    };
    [[gnu::noinline]] static const std::byte* read_partition_tags(const std::byte* p, const std::byte* end,
                                                                  partition_tags& out) noexcept {
        return read_tags(p, end, [&](std::uint32_t number, const std::byte* at, const std::byte* stop) {
            if (number > 2) return true;
            const std::uint64_t width = number == 1 ? 8 : 12;
            if (left(at, stop) <= width) return false;
            if (number == 0) {
                out.diverging_epoch = load<std::int32_t>(at);
                out.diverging_end = load<std::int64_t>(at + 4);
            } else if (number == 1) {
                out.leader_id = load<std::int32_t>(at);
                out.leader_epoch = load<std::int32_t>(at + 4);
            } else {
                out.snapshot_end = load<std::int64_t>(at);
                out.snapshot_epoch = load<std::int32_t>(at + 8);
            }
            return end_struct(at + width, stop) == stop;
        });
    }

    /// One pass: validates the bytes and passes each value to the sink.
    template <class Sink>
    static answer read_by_hand(std::span<const std::byte> body, Sink& result) noexcept {
        const std::byte* p = body.data();
        const std::byte* const end = p + body.size();
        Sink sink = result; // a local copy stays in registers

        if (left(p, end) < 11) return refused;
        sink.number(load<std::int32_t>(p));
        sink.number(load<std::int16_t>(p + 4));
        sink.number(load<std::int32_t>(p + 6));
        const varint topics = read_count(p + 10, end, 3);
        p = topics.next;
        if (p == nullptr) return refused;
        for (std::uint32_t topic = 0; topic < topics.value; ++topic) {
            if (p == end) return refused;
            p = read_string<false>(p, end, 1, sink);
            if (p == nullptr) return refused;
            const varint partitions = read_count(p, end, 37);
            p = partitions.next;
            if (p == nullptr) return refused;
            for (std::uint32_t partition = 0; partition < partitions.value; ++partition) {
                if (left(p, end) < 31) return refused;
                sink.number(load<std::int32_t>(p));
                sink.number(load<std::int16_t>(p + 4));
                sink.number(load<std::int64_t>(p + 6));
                sink.number(load<std::int64_t>(p + 14));
                sink.number(load<std::int64_t>(p + 22));
                p += 30;
                if (*p <= std::byte{1}) [[likely]] {
                    ++p; // null, or empty
                } else {
                    const varint aborted = read_count(p, end, 17);
                    p = aborted.next;
                    if (p == nullptr) return refused;
                    for (std::uint32_t i = 0; i < aborted.value; ++i) {
                        if (left(p, end) < 17) return refused;
                        sink.number(load<std::int64_t>(p));
                        sink.number(load<std::int64_t>(p + 8));
                        p = end_struct(p + 16, end);
                        if (p == nullptr) return refused;
                    }
                }
                if (left(p, end) < 5) return refused;
                sink.number(load<std::int32_t>(p));
                p = read_bytes<true>(p + 4, end, 1, sink);
                if (p == nullptr) return refused;
                partition_tags tags;
                if (*p == std::byte{0}) [[likely]] {
                    ++p;
                } else {
                    p = read_partition_tags(p, end, tags);
                    if (p == nullptr) return refused;
                }
                sink.number(tags.diverging_epoch);
                sink.number(tags.diverging_end);
                sink.number(tags.leader_id);
                sink.number(tags.leader_epoch);
                sink.number(tags.snapshot_end);
                sink.number(tags.snapshot_epoch);
            }
            if (p == end) return refused;
            p = end_struct(p, end);
            if (p == nullptr) return refused;
        }
        if (p == end) return refused;
        if (*p == std::byte{0}) [[likely]]
            ++p;
        else // version 16 adds the endpoints of nodes, tag 0
            p = read_tags(
                p, end, [](std::uint32_t number, const std::byte*, const std::byte*) { return number != 0; });
        if (p != end) return refused;
        result = sink;
        return {true, result.result()};
    }

    /// Without tagged fields, which are rare.
    template <class Data, class Payloads = copied_payloads>
    static std::byte* write_by_hand(const Data& data, std::byte* at, Payloads&& payloads = {}) {
        at = put(at, data.throttle_time_ms);
        at = put(at, data.error_code);
        at = put(at, data.session_id);
        at = put_count(at, data.responses.size());
        for (const auto& topic : data.responses) {
            at = put_text(at, topic.topic);
            at = put_count(at, topic.partitions.size());
            for (const auto& partition : topic.partitions) {
                at = put(at, partition.partition_index);
                at = put(at, partition.error_code);
                at = put(at, partition.high_watermark);
                at = put(at, partition.last_stable_offset);
                at = put(at, partition.log_start_offset);
                if (partition.aborted_transactions.is_null()) {
                    *at++ = std::byte{0};
                } else {
                    at = put_count(at, partition.aborted_transactions.size());
                    for (const auto& aborted : partition.aborted_transactions) {
                        at = put(at, aborted.producer_id);
                        at = put(at, aborted.first_offset);
                        at = put_no_tags(at);
                    }
                }
                at = put(at, partition.preferred_read_replica);
                at = payloads.put(at, partition.records);
                at = put_no_tags(at);
            }
            at = put_no_tags(at);
        }
        return put_no_tags(at);
    }

    template <class Data, class Payloads = copied_payloads>
    static std::size_t size_by_hand(const Data& data, Payloads&& payloads = {}) noexcept {
        std::size_t size = 11 + count_size(data.responses.size());
        for (const auto& topic : data.responses) {
            size += 1 + text_size(topic.topic) + count_size(topic.partitions.size());
            for (const auto& partition : topic.partitions) {
                const auto& aborted = partition.aborted_transactions;
                size += 35 + payloads.size(partition.records) +
                        (aborted.is_null() ? 1 : count_size(aborted.size()) + 17 * aborted.size());
            }
        }
        return size;
    }
};

} // namespace bench::by_hand
