/// Reads captures and files of frames, and gives what is in them to a sink.
#pragma once

#include <cstdint>
#include <string>

#include "byte_source.hpp"
#include "connection.hpp"
#include "exchange.hpp"
#include "options.hpp"

namespace dump {

/// What was in the file.
struct input_counts {
    std::uint64_t packets = 0;
    std::uint64_t packet_bytes = 0;   ///< as captured
    std::uint64_t segments = 0;       ///< of TCP
    std::uint64_t other_packets = 0;  ///< not TCP over IP
    std::uint64_t fragments = 0;      ///< of IP, which are not put together
    std::uint64_t broken_packets = 0; ///< whose headers are cut or not valid
    std::uint64_t payload_bytes = 0;  ///< of TCP, as captured, retransmissions included
    std::int64_t first_ns = 0;
    std::int64_t last_ns = 0;
    connection_counts kafka;
};

/// How reading ended.
struct input_result {
    int exit_code = 0;
    std::string message; ///< what is wrong, if the code is not 0
};

/// Reads the file that `chosen` names to its end, or until `to` wants no more or the user interrupts.
[[nodiscard]] input_result read_input(const options& chosen, const wanted_bytes& wanted, sink& to,
                                      input_counts& counts);

/// The same for a file that is open.
[[nodiscard]] input_result read_stream(file_handle file, const options& chosen, const wanted_bytes& wanted,
                                       sink& to, input_counts& counts);

/// Makes SIGINT and SIGTERM end the reading.
void end_on_signals();

} // namespace dump
