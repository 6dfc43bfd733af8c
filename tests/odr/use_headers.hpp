/// What both translation units compile: functions and variables that live in headers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "all_headers.hpp"

/// What one translation unit has seen of them.
struct seen {
    std::string text;                                ///< a message, printed
    std::uint32_t checksum = 0;                      ///< of its bytes
    const void* description = nullptr;               ///< the address of a message's tables
    const void* found = nullptr;                     ///< of a row of the registry
    std::size_t (*size)(std::string_view) = nullptr; ///< of an inline function

    bool operator==(const seen&) const = default;
};

inline std::size_t encoded(std::string_view topic) {
    kwire::metadata_response::data answer;
    answer.topics.push_back({.name = std::string(topic)});
    return kwire::encoded_size<kwire::metadata_response>(answer, 12).value_or(0);
}

inline seen use_headers() {
    seen all;
    kwire::metadata_response::data answer;
    answer.topics.push_back({.name = "orders"});
    const auto body = kwire::encode<kwire::metadata_response>(answer, 12);
    if (!body) return all;
    const auto message = kwire::parse<kwire::metadata_response>(body->to_bytes(), 12);
    if (!message) return all;
    all.text = kwire::to_text((*message).view());
    all.checksum = kwire::crc32c((*message).bytes());
    all.description = &kwire::info_of<kwire::metadata_response>;
    all.found = kwire::find_message("MetadataResponse");
    all.size = &encoded;
    return all;
}
