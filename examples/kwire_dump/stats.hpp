/// Sums and times for each API, and what became of all bytes of the capture.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "histogram.hpp"
#include "input.hpp"
#include "options.hpp"
#include "report.hpp"

namespace dump {

class stats_printer final : public printer {
public:
    void print(report& one) override;
    /// Writes what was counted: as a table, or as one JSON object.
    [[nodiscard]] std::string text(const input_counts& counts, bool json, bool colours) const;

private:
    struct api_stats {
        std::uint64_t requests = 0;
        std::uint64_t responses = 0;
        std::uint64_t request_bytes = 0; ///< of frames with their lengths
        std::uint64_t response_bytes = 0;
        std::uint64_t records = 0;
        std::uint64_t errors = 0; ///< exchanges with one or more
        std::uint64_t unreadable = 0;
        std::int16_t first_version = 0x7fff;
        std::int16_t last_version = -0x8000;
        histogram latency; ///< in ns
    };
    std::map<std::int16_t, std::unique_ptr<api_stats>> apis_;
};

} // namespace dump
