/// The golden vectors of tests/golden: bytes that Kafka's own classes wrote, with their meaning.
#pragma once

#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace support {

/// One line of messages.jsonl.gz.
struct golden_message {
    std::string message;
    int version = 0;
    std::string sample;
    std::vector<std::byte> bytes;
    boost::json::value json;           ///< null in lines that must be refused
    std::size_t unknown_tag_count = 0; ///< unknown tagged fields at all depths, which the JSON lacks

    [[nodiscard]] bool rejected() const { return sample.starts_with("reject-"); }
    /// "FetchRequest v12 full", for messages of failed tests.
    [[nodiscard]] std::string name() const;
};

/// messages.jsonl.gz, read on the first call; sorted by message and version.
const std::vector<golden_message>& golden_messages();

} // namespace support
