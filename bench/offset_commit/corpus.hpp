/// OffsetCommit requests, written byte by byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "bench/corpus/byte_writer.hpp"

namespace bench {

inline input make_offset_commit_request(int topics, int partitions) {
    byte_writer out;
    out.text("billing-consumers");
    out.number(std::int32_t{17});
    out.text("billing-1-7e0a5c4e-7a4b-4a39-9d4f-0d9fb1a6f0f3");
    out.text(std::nullopt);
    out.count(static_cast<std::size_t>(topics));
    for (int topic = 0; topic < topics; ++topic) {
        out.text("orders.region-" + std::to_string(topic * 7919) + ".v1");
        out.count(static_cast<std::size_t>(partitions));
        for (int partition = 0; partition < partitions; ++partition) {
            out.number(std::int32_t{partition});
            out.number(std::int64_t{1000003} * partition + topic);
            out.number(std::int32_t{7 + topic % 5});
            out.text("");
            out.empty_tag_section();
        }
        out.empty_tag_section();
    }
    out.empty_tag_section();
    return std::move(out).finish();
}

} // namespace bench
