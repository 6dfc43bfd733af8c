/// Fetch responses, written byte by byte around record batches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "bench/corpus/byte_writer.hpp"

namespace bench {

/// A response with the same batch for each partition. `extras` adds aborted transactions and tagged fields,
/// which are rare.
inline input make_fetch_response(int topics, int partitions, std::span<const std::byte> batch,
                                 bool extras = false) {
    byte_writer out;
    out.number(std::int32_t{0});
    out.number(std::int16_t{0});
    out.number(std::int32_t{7});
    out.count(static_cast<std::size_t>(topics));
    for (int topic = 0; topic < topics; ++topic) {
        out.text("orders.region-" + std::to_string(topic * 7919) + ".v1");
        out.count(static_cast<std::size_t>(partitions));
        for (int partition = 0; partition < partitions; ++partition) {
            const std::int64_t end = std::int64_t{1000003} * partition + topic;
            out.number(std::int32_t{partition});
            out.number(std::int16_t{0});
            out.number(end + 10);
            out.number(end);
            out.number(std::int64_t{17});
            if (extras) {
                out.count(2);
                for (std::int64_t i = 0; i < 2; ++i) {
                    out.number(i + 4000);
                    out.number(end - i);
                    out.empty_tag_section();
                }
            } else {
                out.varint(0); // null
            }
            out.number(std::int32_t{-1});
            out.bytes(batch);
            if (extras) {
                out.varint(2); // the diverging epoch, and the current leader
                out.varint(0);
                out.varint(13);
                out.number(std::int32_t{5});
                out.number(std::int64_t{99});
                out.empty_tag_section();
                out.varint(1);
                out.varint(9);
                out.number(std::int32_t{3});
                out.number(std::int32_t{6});
                out.empty_tag_section();
            } else {
                out.missing_number(std::int32_t{-1});
                out.missing_number(std::int64_t{-1});
                out.missing_number(std::int32_t{-1});
                out.missing_number(std::int32_t{-1});
                out.empty_tag_section();
            }
            out.missing_number(std::int64_t{-1}); // the snapshot
            out.missing_number(std::int32_t{-1});
        }
        out.empty_tag_section();
    }
    out.empty_tag_section();
    return std::move(out).finish();
}

} // namespace bench
