// The command line.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>

namespace echo_broker {

struct options {
    std::uint16_t port = 0;
    std::int32_t partitions = 1;          ///< of each topic
    std::uint64_t memory_mib = 1024;      ///< for the records of all partitions
    std::size_t connections = 10'000;     ///< at the same time
    std::chrono::seconds stall_after{30}; ///< for the next bytes of a request or of an answer
    std::chrono::seconds idle_after{600}; ///< between requests; as Kafka's connections.max.idle.ms
    bool help = false;
};

extern const char* const usage;

/// The options, or what is wrong with which argument.
[[nodiscard]] std::expected<options, std::string> read_options(int count, char** arguments);

} // namespace echo_broker
