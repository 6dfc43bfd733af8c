/// Produce requests, written byte by byte around record batches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "bench/corpus/byte_writer.hpp"

namespace bench {

inline input make_produce_request(int topics, int partitions, std::span<const std::byte> batch) {
    byte_writer out;
    out.text(std::nullopt);
    out.number(std::int16_t{-1});
    out.number(std::int32_t{30000});
    out.count(static_cast<std::size_t>(topics));
    for (int topic = 0; topic < topics; ++topic) {
        out.text("orders.region-" + std::to_string(topic * 7919) + ".v1");
        out.count(static_cast<std::size_t>(partitions));
        for (int partition = 0; partition < partitions; ++partition) {
            out.number(std::int32_t{partition});
            out.bytes(batch);
            out.empty_tag_section();
        }
        out.empty_tag_section();
    }
    out.empty_tag_section();
    return std::move(out).finish();
}

} // namespace bench
