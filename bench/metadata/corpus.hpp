/// Metadata responses, written byte by byte.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "bench/corpus/byte_writer.hpp"

namespace bench {

/// A cluster with the given number of topics, and partitions per topic: 3 replicas, all in sync, none
/// offline.
inline input make_metadata_response(int brokers, int topics, int partitions) {
    byte_writer out;
    out.number(std::int32_t{0});
    out.count(static_cast<std::size_t>(brokers));
    for (std::int32_t broker = 0; broker < brokers; ++broker) {
        out.number(broker);
        out.text("broker-" + std::to_string(broker) + ".kafka.example");
        out.number(std::int32_t{9092});
        if (broker % 4 == 3)
            out.text(std::nullopt);
        else
            out.text("rack-" + std::to_string(broker % 3));
        out.empty_tag_section();
    }
    out.text("5L6g3nShT-eMCtK--X86sw");
    out.number(std::int32_t{1});
    out.count(static_cast<std::size_t>(topics));
    for (int topic = 0; topic < topics; ++topic) {
        out.number(std::int16_t{0});
        out.text("orders.region-" + std::to_string(topic * 7919) + ".v1");
        std::array<std::byte, 16> id{};
        for (std::size_t i = 0; i < id.size(); ++i)
            id[i] = static_cast<std::byte>((static_cast<std::size_t>(topic) * 31 + i * 17) & 0xff);
        out.id(id);
        out.number(std::int8_t{topic % 100 == 99});
        out.count(static_cast<std::size_t>(partitions));
        for (std::int32_t partition = 0; partition < partitions; ++partition) {
            out.number(std::int16_t{0});
            out.number(partition);
            const std::int32_t leader = (topic + partition) % brokers;
            out.number(leader);
            out.number(std::int32_t{5 + topic % 7});
            for (int list = 0; list < 2; ++list) { // replicas, and the in-sync ones
                out.count(3);
                for (std::int32_t replica = 0; replica < 3; ++replica)
                    out.number((leader + replica) % brokers);
            }
            out.count(0);
            out.empty_tag_section();
        }
        out.number(std::int32_t{-2147483647 - 1});
        out.empty_tag_section();
    }
    out.empty_tag_section();
    return std::move(out).finish();
}

} // namespace bench
