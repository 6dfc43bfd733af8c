/// JoinGroup request, version 9 and no other, read and written by hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "bench/hand/read.hpp"
#include "bench/hand/write.hpp"

namespace bench::by_hand {

struct join_group {
    /// One pass: validates the bytes and passes each value to the sink.
    template <class Sink>
    static answer read_by_hand(std::span<const std::byte> body, Sink& result) noexcept {
        const std::byte* p = body.data();
        const std::byte* const end = p + body.size();
        Sink sink = result; // a local copy stays in registers

        if (p == end) return refused;
        p = read_string<false>(p, end, 9, sink);
        if (p == nullptr) return refused;
        sink.number(load<std::int32_t>(p));
        sink.number(load<std::int32_t>(p + 4));
        p = read_string<false>(p + 8, end, 1, sink);
        if (p == nullptr) return refused;
        p = read_string<true>(p, end, 1, sink);
        if (p == nullptr) return refused;
        p = read_string<false>(p, end, 1, sink);
        if (p == nullptr) return refused;
        const varint protocols = read_count(p, end, 3);
        p = protocols.next;
        if (p == nullptr) return refused;
        for (std::uint32_t protocol = 0; protocol < protocols.value; ++protocol) {
            if (p == end) return refused;
            p = read_string<false>(p, end, 1, sink);
            if (p == nullptr) return refused;
            p = read_bytes<false>(p, end, 1, sink);
            if (p == nullptr) return refused;
            p = end_struct(p, end);
            if (p == nullptr) return refused;
        }
        if (p == end) return refused;
        p = read_string<true>(p, end, 1, sink);
        if (p == nullptr || end_struct(p, end) != end) return refused;
        result = sink;
        return {true, result.result()};
    }

    template <class Data>
    static std::byte* write_by_hand(const Data& data, std::byte* at) noexcept {
        at = put_text(at, data.group_id);
        at = put(at, data.session_timeout_ms);
        at = put(at, data.rebalance_timeout_ms);
        at = put_text(at, data.member_id);
        at = put_nullable_text(at, data.group_instance_id);
        at = put_text(at, data.protocol_type);
        at = put_count(at, data.protocols.size());
        for (const auto& protocol : data.protocols) {
            at = put_text(at, protocol.name);
            at = put_bytes(at, protocol.metadata.span());
            at = put_no_tags(at);
        }
        at = put_nullable_text(at, data.reason);
        return put_no_tags(at);
    }

    template <class Data>
    static std::size_t size_by_hand(const Data& data) noexcept {
        std::size_t size = 9 + text_size(data.group_id) + text_size(data.member_id) +
                           nullable_text_size(data.group_instance_id) + text_size(data.protocol_type) +
                           count_size(data.protocols.size()) + nullable_text_size(data.reason);
        for (const auto& protocol : data.protocols)
            size += 1 + text_size(protocol.name) + count_size(protocol.metadata.size()) +
                    protocol.metadata.size();
        return size;
    }
};

} // namespace bench::by_hand
