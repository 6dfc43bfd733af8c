/// Fetch requests, written byte by byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "bench/corpus/byte_writer.hpp"

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

} // namespace bench
